"""Where a stone comes from: what happened to it, who says so, what follows, and how anyone checks that without us.

A map for newcomers. The folder is flat; a file's first word names its room (docs/decisions/0018).

chain       what is known of a stone: models, queries, facts, claims, dossier, opening, casefile, lineage, uses,
            recording, keeping, putting, gathering, external (names that others have for it)
rules       what follows from it: rules, findings, signatures, custody, mass, kimberley, grading, warranty, words,
            vectors; recomputing gives the same verdict again
table_*     the dated tables that rules read, changed by two persons: tables (pure), tolerances and house (figures that
            staff set), versions in force, history, changing, settings (the page)
verdicts    who asks and decides: service, deciding, jobs, reviving, reverifying; routes and forms are the staff's queue
registries/ the outside parties: one port, their adapters, the guard of outgoing calls, the simulators; registry_*
trust_*     who may sign what, with which keys: trust, trusting (two persons), issuers, hosted (keys kept for companies)
law_*       where a stone may be sold: law, eligibility, documents (papers made of facts)
disclosure  who may know what of all this
epcis_*     events in and out as EPCIS 2.0: epcis; reporting, reported, reported_models (events that parties
            report themselves)
hands       who has a stone in his hands (custody_models, custody_keeping), and what the house itself showed (handling)
log_*       the public log: log; witness_* and witnessing cosign it, monitoring watches it from outside
passport_*  the passport: passport, issuing, proofs, did, status, standing, contexts, negotiating, linkset, references,
            house_routes; sdjwt, sharing, countersigning, logos, holders, presenting_* are the holder's part of it
journey     the way of a stone as a page tells it; worldmap draws it, mapmaking made its outlines
video_*     the film of that way: video (what it shows), drawing, mesh, encoding, the process that makes it
verify*     checking without us: bundle (pure), bundling (from rows), verifying, verifying_*, checks_*
outcome_*   what became of rough under contract: outcomes (the rules), files, cases, pages
warranty_*  warranties in and out of a company, reconciled for its auditor
"""
