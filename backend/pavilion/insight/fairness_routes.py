"""The fairness watch for those who decide and those who audit. Bidders never see that it exists."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.insight import fairness_cases, fairness_showing
from pavilion.insight.fairness_cases import Word
from pavilion.insight.fairness_findings import LEAST_LOTS, Kind
from pavilion.insight.fairness_models import CaseState, Verdict
from pavilion.kernel.errors import BadInput, NotFound
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page

router = APIRouter(tags=["fairness"])

Watcher = Annotated[Actor, may(Permission.FAIRNESS_SEE)]
Decider = Annotated[Actor, may(Permission.FAIRNESS_DECIDE)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=10, max_length=2000)]
Name = Annotated[str, StringConstraints(max_length=60)]
MOST_NAMED = 200


class DecisionForm(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    verdict: Verdict
    reason: Reason
    evidence: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    suspend: tuple[Name, ...] = ()
    void: tuple[Name, ...] = ()


@router.get("/staff/fairness")
async def fairness(
    request: Request, actor: Watcher, session: Reading, kind: str | None = None, state: str | None = None
) -> Response:
    """Every case, what waits for a decision first."""
    wanted_kind = kind if kind in set(Kind) else None
    wanted_state = state if state in set(CaseState) else None
    return page(
        request,
        "insight/fairness.html",
        cases=await fairness_showing.cases(session, wanted_kind, wanted_state),
        counts=await fairness_showing.by_state(session),
        kinds=[one.value for one in Kind],
        kind=wanted_kind,
        state=wanted_state,
        least=LEAST_LOTS,
        told=fairness_showing.sentence_facts,
    )


@router.get("/staff/fairness/{case}")
async def one_case(request: Request, case: str, actor: Watcher, session: Reading) -> Response:
    return await _shown(request, session, case)


@router.post("/staff/fairness/{case}/decisions")
async def decide(request: Request, case: str, actor: Decider, session: Writing, now: Now) -> Response:
    """The decision stands with its evidence, and what it proposes waits for a second person."""
    form = await request.form(max_fields=MOST_NAMED, max_files=0)
    said: dict[str, Any] = {name: form.get(name, "") for name in form if name not in ("suspend", "void")}
    said |= {name: form.getlist(name) for name in ("suspend", "void")}
    try:
        read = DecisionForm.model_validate(said)
    except ValidationError as error:
        faults = {str(one["loc"][0]): _fault(str(one["loc"][0])) for one in error.errors()}
        return await _shown(request, session, case, faults, said)
    word = Word(read.verdict, read.reason, read.evidence, read.suspend, read.void)
    try:
        await fairness_cases.decide(session, case=case, word=word, actor=actor, now=now)
    except BadInput as error:
        return await _shown(request, session, case, error.fields, said)
    return RedirectResponse(f"/staff/fairness/{case}?done=decided", status_code=303)


def _fault(name: str) -> str:
    return "fairness_reason_short" if name == "reason" else "bad_input"


async def _shown(
    request: Request,
    session: Any,
    case: str,
    faults: dict[str, str] | None = None,
    said: dict[str, Any] | None = None,
) -> Response:
    found = await fairness_showing.whole(session, case)
    if found is None:
        raise NotFound()
    return page(
        request,
        "insight/fairness_case.html",
        status_code=422 if faults else 200,
        whole=found,
        verdicts=[one.value for one in Verdict],
        faults=faults or {},
        said=said or {},
        wide=fairness_showing.WIDE,
        high=fairness_showing.HIGH,
        told=fairness_showing.sentence_facts,
    )
