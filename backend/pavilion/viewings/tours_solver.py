"""The heaviest set of wishes by OR-Tools, where it is installed (the extra `tours`)."""

from importlib.util import find_spec

from pavilion.viewings.tours import Graph, How, Report, search

SECONDS = 20.0  # then the best found so far


def installed() -> bool:
    return find_spec("ortools") is not None


def solve(graph: Graph, report: Report = lambda _: None) -> tuple[int, How]:
    """As `tours.search`, also where many wishes hang together. What is not proven is told as greedy."""
    from ortools.sat.python import cp_model

    if not graph.nodes:
        return 0, How.SOLVER
    model = cp_model.CpModel()
    taken = [model.new_bool_var(str(n)) for n in range(len(graph.nodes))]
    for n, mask in enumerate(graph.excluded):
        for m in range(n + 1, len(graph.nodes)):
            if mask >> m & 1:
                model.add_at_most_one(taken[n], taken[m])
    model.maximize(sum(weight * one for weight, one in zip(graph.weights, taken, strict=True)))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = SECONDS
    solver.parameters.num_workers = 1  # the same graph gives the same tour
    report(60)
    answer = solver.solve(model)
    if answer not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return search(graph, report)
    chosen = sum(1 << n for n, one in enumerate(taken) if solver.value(one))
    return chosen, How.SOLVER if answer == cp_model.OPTIMAL else How.GREEDY
