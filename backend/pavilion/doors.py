"""Every door of the house: the routes of all domains, in the order in which they are tried."""

from fastapi import APIRouter

from pavilion.accounts import check_routes, key_routes
from pavilion.accounts import routes as accounts_routes
from pavilion.accounts import trade_routes as trade_terms_routes
from pavilion.auctions import (
    approving_routes,
    house_paper_routes,
    rates_routes,
    relotting_routes,
    reoffer_routes,
    rules_routes,
)
from pavilion.auctions import ordering_routes as auctions_ordering_routes
from pavilion.auctions import routes as auctions_routes
from pavilion.auctions import suggesting_routes as auctions_suggesting_routes
from pavilion.bidding import (
    amend_routes,
    notice_routes,
    own_routes,
    plan_routes,
    preview_routes,
    program_routes,
    request_routes,
    sale_api,
)
from pavilion.bidding import api as bidding_api
from pavilion.bidding import console_routes as bidding_console_routes
from pavilion.bidding import routes as bidding_routes
from pavilion.bidding import socket as bidding_socket
from pavilion.bidding import staff_routes as bidding_staff_routes
from pavilion.bidding import tender_routes as bidding_tender_routes
from pavilion.catalogue import api as catalogue_api
from pavilion.catalogue import (
    column_routes,
    media_routes,
    price_routes,
    saved_routes,
    share_routes,
    shortlist_routes,
)
from pavilion.catalogue import own_stock_routes as catalogue_own_stock_routes
from pavilion.catalogue import routes as catalogue_routes
from pavilion.catalogue import sheet_routes as catalogue_sheet_routes
from pavilion.catalogue import upload_routes as catalogue_upload_routes
from pavilion.insight import fairness_routes, price_grid_routes, result_routes, seller_interest_routes
from pavilion.insight import routes as insight_routes
from pavilion.notifications import routes as notifications_routes
from pavilion.notifications import webhook_api, webhook_routes
from pavilion.pages import health, openapi_routes
from pavilion.pages import routes as pages_routes
from pavilion.provenance import (
    epcis_routes,
    house_routes,
    law_routes,
    log_routes,
    outcome_routes,
    passport_routes,
    presenting_pack_routes,
    presenting_routes,
    reference_routes,
    registry_routes,
    table_routes,
    trust_routes,
    verify_routes,
    video_routes,
    warranty_routes,
)
from pavilion.provenance import routes as provenance_routes
from pavilion.settlement import approach_routes as settlement_approach_routes
from pavilion.settlement import (
    books_routes,
    cashier_report_routes,
    cashier_routes,
    release_routes,
    stone_routes,
)
from pavilion.settlement import default_routes as settlement_default_routes
from pavilion.settlement import deposit_routes as settlement_deposit_routes
from pavilion.settlement import invoice_desk_routes as settlement_invoice_routes
from pavilion.settlement import payment_routes as settlement_payment_routes
from pavilion.settlement import routes as settlement_routes
from pavilion.settlement import sellers_routes as settlement_sellers_routes
from pavilion.trading import answer_routes as trading_answer_routes
from pavilion.trading import api as trading_api
from pavilion.trading import memo_api, memo_routes, memo_several_routes, offer_api, offer_routes
from pavilion.trading import routes as trading_routes
from pavilion.viewings import feed_routes as viewing_feed_routes
from pavilion.viewings import interest_routes, rotation_pages, travel_routes, travel_routes_tours
from pavilion.viewings import routes as viewings_routes
from pavilion.viewings import staff_routes as viewing_staff_routes

ROUTERS: list[APIRouter] = [
    check_routes.router,  # before the acts on companies, whose addresses would take its own
    accounts_routes.router,
    key_routes.router,
    trade_terms_routes.router,
    approving_routes.router,
    auctions_routes.router,
    auctions_suggesting_routes.router,
    auctions_ordering_routes.router,
    rates_routes.router,
    rules_routes.router,
    house_paper_routes.router,
    reoffer_routes.router,
    relotting_routes.router,
    bidding_routes.router,
    bidding_api.router,
    sale_api.router,
    program_routes.router,
    own_routes.router,
    bidding_staff_routes.router,
    amend_routes.router,
    notice_routes.router,
    preview_routes.router,
    bidding_tender_routes.router,
    plan_routes.router,
    request_routes.router,
    bidding_console_routes.router,
    bidding_socket.router,
    catalogue_routes.router,
    catalogue_sheet_routes.router,
    saved_routes.router,
    shortlist_routes.router,
    column_routes.router,
    share_routes.router,
    catalogue_upload_routes.router,
    catalogue_own_stock_routes.router,
    media_routes.router,
    *(catalogue_api.router, price_routes.router),
    trading_routes.router,
    trading_api.router,
    trading_answer_routes.router,
    offer_routes.router,
    offer_api.router,
    memo_several_routes.router,
    memo_routes.router,
    memo_api.router,
    settlement_routes.router,
    books_routes.router,
    settlement_sellers_routes.router,
    settlement_invoice_routes.router,
    cashier_routes.router,
    cashier_report_routes.router,
    settlement_deposit_routes.router,
    release_routes.router,
    stone_routes.router,
    settlement_payment_routes.router,
    settlement_default_routes.router,
    settlement_approach_routes.router,
    provenance_routes.router,
    house_routes.router,
    passport_routes.router,
    presenting_routes.router,
    presenting_pack_routes.router,
    reference_routes.router,
    verify_routes.router,
    law_routes.router,
    table_routes.router,
    outcome_routes.router,
    warranty_routes.router,
    travel_routes.router,
    travel_routes_tours.router,
    rotation_pages.router,
    interest_routes.router,
    viewings_routes.router,
    viewing_staff_routes.router,
    viewing_feed_routes.router,
    *(insight_routes.router, price_grid_routes.router, seller_interest_routes.router),
    fairness_routes.router,
    result_routes.router,
    trust_routes.router,
    registry_routes.router,
    epcis_routes.router,
    video_routes.router,
    log_routes.router,
    *(notifications_routes.router, webhook_routes.router, webhook_api.router),
    pages_routes.router,
    openapi_routes.router,
    health.router,
]

# What an edge answers: the live sockets and the requests of programs that stand for them (bidding spec 8.5).
EDGE_ROUTERS: list[APIRouter] = [bidding_socket.router, bidding_api.router, program_routes.router, health.router]
