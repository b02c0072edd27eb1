"""A payment provider in memory, for tests of what we do with its news: it keeps what it was asked, answers the same key
the same way, tells what happened as events, and fails before or after the effect when told to."""

from dataclasses import replace
from datetime import timedelta
from itertools import count

from pavilion.settlement.payments.port import (
    BalanceLine,
    Cash,
    Charged,
    Checkout,
    Disputed,
    PaidOut,
    ProviderRefused,
    ProviderUnreachable,
    Refunded,
    Told,
    VirtualAccount,
)
from tests.make import NOON


class Provider:
    def __init__(self):
        self.pages, self.payments, self.refunds, self.disputes, self.payouts = {}, {}, {}, {}, {}
        self.cash, self.lines, self.events, self.keys, self.asked = {}, [], [], {}, []
        self.numbers, self.at = count(1), NOON
        self.silent = set()  # calls that get no answer: name, or (name, "after") once the effect is there
        self.refusing = {}  # calls that are refused: name -> the provider's code
        self.closed = self.lines_silent = False

    # what others do there

    def pay(self, page, *, amount_minor=None, currency=None):
        """The buyer pays on the page: the payment, then its page."""
        intent, at = f"pi_{next(self.numbers)}", self.tick()
        shown = self.pages[page]
        made = self.payments[shown["payment"] or intent] = Charged(
            id=shown["payment"] or intent, charge=f"ch_{intent}", state="succeeded",
            amount_minor=amount_minor or shown["amount"], received_minor=amount_minor or shown["amount"],
            refunded_minor=0, currency=currency or shown["currency"], ref=shown["ref"], method="pm_1", fee_minor=30,
            disputed=False, created=at,
        )  # fmt: skip
        shown |= {"payment": made.id, "state": "complete", "paid": True}
        self.line("payment", made.charge, made.received_minor, 30)
        self.tell("payment_intent.succeeded", made)
        self.tell("checkout.session.completed", self.page(page))
        return made

    def decline(self, page):
        shown = self.pages[page]
        shown["payment"] = shown["payment"] or f"pi_{next(self.numbers)}"
        made = self.payments[shown["payment"]] = Charged(
            id=shown["payment"], charge=None, state="failed", amount_minor=shown["amount"], received_minor=0,
            refunded_minor=0, currency=shown["currency"], ref=shown["ref"], method=None, fee_minor=None,
            disputed=False, created=self.tick(),
        )  # fmt: skip
        self.tell("payment_intent.payment_failed", made)

    def lapse(self, page):
        self.pages[page]["state"] = "expired"
        self.tell("checkout.session.expired", self.page(page))

    def transfer(self, customer, amount_minor, reference, currency="USD"):
        at = self.tick()
        made = Cash(f"ccsbtxn_{next(self.numbers)}", customer, "funded", amount_minor, currency, reference, None, at)
        self.cash[made.id] = made
        self.tell("customer_cash_balance_transaction.created", made)
        return made

    def dispute(self, charge, *, amount_minor=None, fee_minor=1500):
        paid = next(one for one in self.payments.values() if one.charge == charge)
        amount = amount_minor or paid.received_minor
        made = Disputed(f"dp_{next(self.numbers)}", charge, amount, fee_minor, paid.currency, "open")
        self.disputes[made.id] = made
        self.line("dispute", made.id, -amount, fee_minor)
        self.tell("charge.dispute.created", made)
        return made.id

    def judge(self, dispute, state):
        made = self.disputes[dispute] = replace(self.disputes[dispute], state=state)
        if state == "won":
            self.line("dispute", made.id, made.amount_minor, 0)
        self.tell("charge.dispute.closed", made)

    def refund_ends(self, refund, state):
        made = self.refunds[refund] = replace(
            self.refunds[refund], state=state, reason="x" if state == "failed" else ""
        )
        self.tell("refund.failed" if state == "failed" else "refund.updated", made)

    def pay_out(self, amount_minor, currency="USD"):
        made = PaidOut(f"po_{next(self.numbers)}", amount_minor, currency, "paid")
        self.payouts[made.id] = made
        self.line("payout", made.id, -amount_minor, 0)
        self.tell("payout.paid", made)
        return made.id

    def payout_fails(self, payout):
        made = self.payouts[payout] = replace(self.payouts[payout], state="failed")
        self.line("payout", made.id, made.amount_minor, 0)
        self.tell("payout.failed", made)

    def tick(self):
        self.at += timedelta(seconds=1)
        return self.at

    def tell(self, kind, said, **changes):
        event = Told(
            event=f"evt_{next(self.numbers)}", type=kind, object=getattr(said, "id", ""), created=self.tick(), body={},
            said=said, owner=getattr(said, "customer", ""),
        )  # fmt: skip
        self.events.append(replace(event, **changes))
        return self.events[-1]

    def line(self, kind, source, amount_minor, fee_minor, currency="USD"):
        made = BalanceLine(f"txn_{next(self.numbers)}", kind, source, amount_minor, fee_minor, currency, self.at)
        self.lines.append(made)

    def page(self, page):
        one = self.pages[page]
        return Checkout(page, one["url"], one["state"], one["paid"], one["payment"], one["expires_at"], one["ref"])

    # the port

    async def _once(self, name, key, make):
        self.asked.append((name, key))
        if name in self.silent:
            raise ProviderUnreachable(name)
        if name in self.refusing:
            raise ProviderRefused(self.refusing[name])
        if key not in self.keys:
            self.keys[key] = make()
        if (name, "after") in self.silent:
            raise ProviderUnreachable(name)
        return self.keys[key]

    async def customer(self, *, name, about, ref, key):
        return await self._once("customer", key, lambda: f"cus_{next(self.numbers)}")

    async def checkout(self, *, amount_minor, currency, ref, expires_at, key, **rest):
        def make():
            made = f"cs_{next(self.numbers)}"
            self.pages[made] = {
                "url": f"https://pay.example/{made}", "state": "open", "paid": False, "payment": None,
                "expires_at": expires_at, "ref": ref, "amount": amount_minor, "currency": currency, **rest,
            }  # fmt: skip
            return made

        return self.page(await self._once("checkout", key, make))

    async def read_checkout(self, checkout):
        return self.page(await self._read(checkout, self.pages and checkout))

    async def expire(self, checkout, *, key):
        def make():
            if self.pages[checkout]["state"] != "open":
                raise ProviderRefused("checkout_not_open")
            self.lapse(checkout)
            return checkout

        return self.page(await self._once("expire", key, make))

    async def virtual_account(self, *, customer, currency, country, key):
        lines = {"holder": "Pavilion", "account": "DE00 1234", "bic": "PAVIDEFF", "bank": "Bank"}
        return await self._once("account", key, lambda: VirtualAccount(customer, currency, lines))

    async def charge(self, *, customer, method, amount_minor, currency, ref, key):
        def make():
            made = f"pi_{next(self.numbers)}"
            self.payments[made] = Charged(
                id=made, charge=f"ch_{made}", state="succeeded", amount_minor=amount_minor, received_minor=amount_minor,
                refunded_minor=0, currency=currency, ref=ref, method=method, fee_minor=10, disputed=False,
                created=self.tick(), by_transfer=method == "customer_balance",
            )  # fmt: skip
            self.line("payment", f"ch_{made}", amount_minor, 10)
            self.tell("payment_intent.succeeded", self.payments[made])
            return made

        return self.payments[await self._once("charge", key, make)]

    async def capture(self, payment, *, amount_minor, key):
        raise NotImplementedError

    async def release_hold(self, payment, *, key):
        raise NotImplementedError

    async def _read(self, name, found):
        if "read" in self.silent:
            raise ProviderUnreachable(name)
        return found

    async def read_payment(self, payment):
        return await self._read(payment, self.payments[payment])

    async def read_charge(self, charge):
        return await self._read(charge, next(one for one in self.payments.values() if one.charge == charge))

    def _refund(self, charge, amount_minor, currency, ref):
        made = f"re_{next(self.numbers)}"
        self.refunds[made] = Refunded(made, charge, "waiting", amount_minor, currency, ref)
        self.line("refund", made, -amount_minor, 0)
        return made

    async def refund(self, *, charge, amount_minor, ref, key):
        paid = next(one for one in self.payments.values() if one.charge == charge)

        def make():
            total = paid.refunded_minor + amount_minor
            if total > paid.received_minor:
                raise ProviderRefused("charge_already_refunded")
            made = self._refund(charge, amount_minor, paid.currency, ref)
            self.payments[paid.id] = replace(paid, refunded_minor=total)
            self.tell("charge.refunded", self.payments[paid.id], object=charge)
            return made

        return self.refunds[await self._once("refund", key, make)]

    async def refund_cash(self, *, customer, amount_minor, currency, ref, key):
        made = await self._once("refund_cash", key, lambda: self._refund("", amount_minor, currency, ref))
        return self.refunds[made]

    async def read_refund(self, refund):
        return await self._read(refund, self.refunds[refund])

    async def read_cash(self, customer, transaction):
        return await self._read(transaction, self.cash[transaction])

    async def read_dispute(self, dispute):
        return await self._read(dispute, self.disputes[dispute])

    async def read_payout(self, payout):
        return await self._read(payout, self.payouts[payout])

    async def cash_of(self, customer, *, since):
        for one in self.cash.values():
            if one.customer == customer and one.created >= since:
                yield one

    async def movements(self, *, since):
        if self.lines_silent:
            raise ProviderUnreachable("movements")
        for one in list(self.lines):
            if one.created >= since:
                yield one

    def told(self, body, signature, now):
        raise NotImplementedError

    async def close(self):
        self.closed = True
