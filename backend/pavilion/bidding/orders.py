"""What the writer of a sale can be asked."""

from pavilion.bidding import planning
from pavilion.bidding.acts import StaffAct
from pavilion.bidding.deciding import Answer, BidOrder, away
from pavilion.bidding.planning import PlanOrder

Order = BidOrder | StaffAct | PlanOrder


def nobody_knows(order: Order) -> Answer:
    """Nobody can say what became of it; asked again under the same key it is not done twice."""
    if isinstance(order, BidOrder):
        return away(order)
    if isinstance(order, PlanOrder):
        return planning.away(order)
    return Answer("unknown", order.lot, code="engine_away", sale=order.sale)
