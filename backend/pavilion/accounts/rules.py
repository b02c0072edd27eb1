"""Who may do what. Roles and rights of the house; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

PROPOSAL_OPEN_FOR = timedelta(minutes=30)  # bidding spec 2
SESSION_IDLE = timedelta(hours=12)
SESSION_LIFE = timedelta(days=14)
LEAST_PASSWORD = 12  # characters; reliability spec 7


class Role(StrEnum):
    VISITOR = "visitor"
    VIEWER = "viewer"
    BUYER = "buyer"
    SUPPLIER = "supplier"
    PRODUCER = "producer"
    COMPANY_ADMIN = "company_admin"
    CURATOR = "curator"
    RESERVE = "reserve"
    REGISTRAR = "registrar"
    CLERK = "clerk"
    AUCTIONEER = "auctioneer"
    LEAD = "lead"
    CASHIER = "cashier"
    VIEWINGS = "viewings"
    COMPLIANCE = "compliance"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Permission(StrEnum):
    STONE_SEE = "stone:see"
    PASSPORT_SEE = "passport:see"
    VIEWING_BOOK = "viewing:book"
    SHORTLIST_EDIT = "shortlist:edit"
    PRICE_SEE = "price:see"
    SALE_REGISTER = "sale:register"
    BID_PLACE = "bid:place"
    OFFER_MAKE = "offer:make"
    HOLD_ASK = "hold:ask"
    ORDER_PLACE = "order:place"
    MEMO_ASK = "memo:ask"
    INVOICE_PAY = "invoice:pay"
    STOCK_WRITE = "stock:write"
    OFFER_ANSWER = "offer:answer"
    EVENT_REPORT = "event:report"
    OUTCOME_REPORT = "outcome:report"
    PEOPLE_EDIT = "people:edit"
    LOT_CURATE = "lot:curate"
    SALE_BUILD = "sale:build"
    RESERVE_SEE = "reserve:see"
    RESERVE_SET = "reserve:set"
    REGISTRATION_DECIDE = "registration:decide"
    COMPANY_PROPOSE = "company:propose"
    COMPANY_DECIDE = "company:decide"
    BID_BEHALF = "bid:behalf"
    SALE_ANNOUNCE = "sale:announce"
    LOT_RUN = "lot:run"
    BID_VOID = "bid:void"
    LOT_SECOND = "lot:second"
    SALE_APPROVE = "sale:approve"
    PAYMENT_BOOK = "payment:book"
    PAYMENT_CONFIRM = "payment:confirm"
    REFUND_PROPOSE = "refund:propose"
    RELEASE_PREPARE = "release:prepare"
    STATEMENT_ISSUE = "statement:issue"
    VIEWING_RUN = "viewing:run"
    ORIGIN_SEE = "origin:see"
    ORIGIN_DECIDE = "origin:decide"
    TRUST_EDIT = "trust:edit"
    PAPERS_SEE = "papers:see"
    STAFF_SEE = "staff:see"
    LEDGER_SEE = "ledger:see"
    JOB_RUN = "job:run"
    SETTING_EDIT = "setting:edit"
    FAIRNESS_SEE = "fairness:see"
    FAIRNESS_DECIDE = "fairness:decide"


P = Permission
_VISITOR = {P.STONE_SEE, P.PASSPORT_SEE}
_VIEWER = _VISITOR | {P.VIEWING_BOOK, P.SHORTLIST_EDIT}
_BUYER = _VIEWER | {
    P.PRICE_SEE, P.SALE_REGISTER, P.BID_PLACE, P.OFFER_MAKE, P.HOLD_ASK, P.ORDER_PLACE, P.MEMO_ASK, P.INVOICE_PAY,
}  # fmt: skip
_STAFF = _VISITOR | {P.STAFF_SEE, P.PRICE_SEE}
_FAIRNESS = {P.FAIRNESS_SEE, P.FAIRNESS_DECIDE}
_CLERK = _STAFF | {P.BID_BEHALF, P.SALE_ANNOUNCE}

RIGHTS: dict[Role, frozenset[Permission]] = {
    role: frozenset(rights)
    for role, rights in {
        Role.VISITOR: _VISITOR,
        Role.VIEWER: _VIEWER,
        Role.BUYER: _BUYER,
        Role.SUPPLIER: _VIEWER | {P.STOCK_WRITE, P.OFFER_ANSWER},
        Role.PRODUCER: _VIEWER | {P.EVENT_REPORT, P.OUTCOME_REPORT},
        Role.COMPANY_ADMIN: _VIEWER | {P.PEOPLE_EDIT},
        Role.CURATOR: _STAFF | {P.LOT_CURATE, P.SALE_BUILD, P.ORIGIN_SEE},
        Role.RESERVE: _STAFF | {P.RESERVE_SEE, P.RESERVE_SET},
        Role.REGISTRAR: _STAFF | {P.REGISTRATION_DECIDE, P.COMPANY_PROPOSE},
        Role.CLERK: _CLERK,
        Role.AUCTIONEER: _CLERK | {P.LOT_RUN, P.BID_VOID, P.LOT_SECOND},
        Role.LEAD: _STAFF | _FAIRNESS | {P.SALE_APPROVE, P.LOT_SECOND, P.LOT_CURATE, P.SALE_BUILD, P.PAYMENT_CONFIRM},
        Role.CASHIER: _STAFF
        | {P.PAYMENT_BOOK, P.PAYMENT_CONFIRM, P.REFUND_PROPOSE, P.RELEASE_PREPARE, P.STATEMENT_ISSUE, P.LEDGER_SEE},
        Role.VIEWINGS: _STAFF | {P.VIEWING_RUN},
        Role.COMPLIANCE: _STAFF
        | _FAIRNESS
        | {P.ORIGIN_SEE, P.ORIGIN_DECIDE, P.TRUST_EDIT, P.COMPANY_DECIDE, P.PAPERS_SEE},
        Role.AUDITOR: _STAFF | {P.ORIGIN_SEE, P.LEDGER_SEE, P.FAIRNESS_SEE},
        Role.ADMIN: _STAFF | {P.PEOPLE_EDIT, P.SETTING_EDIT, P.JOB_RUN},
    }.items()
}

HOUSE_ROLES = frozenset(role for role in Role if P.STAFF_SEE in RIGHTS[role])


class CompanyState(StrEnum):
    APPLIED = "applied"
    APPROVED = "approved"
    DECLINED = "declined"
    SUSPENDED = "suspended"


COMPANY_TRANSITIONS: dict[CompanyState, frozenset[CompanyState]] = {
    CompanyState.APPLIED: frozenset({CompanyState.APPROVED, CompanyState.DECLINED}),
    CompanyState.APPROVED: frozenset({CompanyState.SUSPENDED}),
    CompanyState.SUSPENDED: frozenset({CompanyState.APPROVED}),
    CompanyState.DECLINED: frozenset(),
}


class ProposalState(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    DECLINED = "declined"
    EXPIRED = "expired"


# Who approves what another proposed (api spec 6, "Two persons").
APPROVERS: dict[str, Permission] = {
    "sale.publish": P.SALE_APPROVE,
    "sale.unpublish": P.SALE_APPROVE,
    "sale.cancel": P.SALE_APPROVE,
    "sale.amend": P.SALE_APPROVE,
    "lot.withdraw": P.LOT_SECOND,
    "bid.void": P.LOT_SECOND,
    "lot.reopen": P.LOT_SECOND,
    "reserve.lower": P.LOT_SECOND,
    "sale.incident": P.LOT_SECOND,
    "limit.raise": P.SALE_APPROVE,
    "rates.set": P.SALE_APPROVE,
    "company.approve": P.COMPANY_DECIDE,
    "company.decline": P.COMPANY_DECIDE,
    "company.suspend": P.COMPANY_DECIDE,
    "payment.wire": P.PAYMENT_CONFIRM,
    "payment.reverse": P.PAYMENT_CONFIRM,
    "payment.convert": P.PAYMENT_CONFIRM,
    "refund.pay": P.PAYMENT_CONFIRM,
    "invoice.cancel": P.PAYMENT_CONFIRM,
    "invoice.write_off": P.PAYMENT_CONFIRM,
    "strike.waive": P.SALE_APPROVE,
    "seller.pay": P.PAYMENT_CONFIRM,
    "order.cancel": P.PAYMENT_CONFIRM,
    "memo.bill": P.PAYMENT_CONFIRM,
    "company.limit": P.SALE_APPROVE,
    "law.change": P.TRUST_EDIT,
    "table.change": P.TRUST_EDIT,
    "settings.change": P.TRUST_EDIT,
    "trust.add": P.TRUST_EDIT,
    "trust.remove": P.TRUST_EDIT,
    "trust.resume": P.TRUST_EDIT,
    "key.add": P.TRUST_EDIT,
    "key.revoke": P.TRUST_EDIT,
}


@dataclass(frozen=True, slots=True)
class Actor:
    """The person behind a request, as far as rules may ask."""

    person_id: int | None
    public_id: str | None
    company_id: int | None
    company_state: str | None
    roles: frozenset[Role]
    permissions: frozenset[Permission]
    lang: str | None = None  # none: the browser decides
    name: str = ""
    session_id: int | None = None
    key: str | None = None  # the key of a program that asks in this person's place
    scopes: frozenset[str] | None = None  # what that key may be used for; none: the person himself is here

    @property
    def signed_in(self) -> bool:
        return self.person_id is not None

    @property
    def is_staff(self) -> bool:
        return Permission.STAFF_SEE in self.permissions

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions


VISITOR = Actor(None, None, None, None, frozenset({Role.VISITOR}), RIGHTS[Role.VISITOR])


def rights_of(roles: frozenset[Role], company_state: str | None) -> frozenset[Permission]:
    """Rights add up over roles; the trade rights of a company that is not approved rest."""
    rights = frozenset().union(RIGHTS[Role.VISITOR], *(RIGHTS[role] for role in roles))
    if company_state is None or company_state == CompanyState.APPROVED:
        return rights
    return rights & (RIGHTS[Role.VIEWER] | {Permission.PEOPLE_EDIT})


def share_owner(one: Iterable[object], other: Iterable[object]) -> bool:
    """Whether two companies have a beneficial owner in common; case and spaces in a name mean nothing."""
    return bool({owner_key(name) for name in one} & {owner_key(name) for name in other})


def owner_key(name: object) -> str:
    """What two spellings of one owner have in common."""
    return " ".join(str(name).casefold().split())


def session_alive(created_at: datetime, last_seen_at: datetime, revoked: bool, now: datetime) -> bool:
    return not revoked and now < created_at + SESSION_LIFE and now < last_seen_at + SESSION_IDLE


def proposal_open(state: str, expires_at: datetime, now: datetime) -> bool:
    return state == ProposalState.OPEN and now < expires_at
