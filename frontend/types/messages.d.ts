// The messages of the live room, made from the server's own models. Do not edit: `python -m pavilion.bidding.declarations frontend/types/messages.d.ts`.

export interface Ack {
  op: "ack";
  key: string;
  lot: string | null;
  result: "accepted" | "refused" | "unknown";
  code: string | null;
  seq: number | null;
  n: number | null;
  t: string | null;
  at: string | null;
  state: string | null;
  max: number | null;
  nonce: string | null;
  ask: number | null;
  headroom: number | null;
  receipt: string | null;
  replayed: boolean;
  rule: string | null;
  source: string | null;
}

export interface AskClock {
  op: "clock";
  t0: number;
}

export interface BatchOut {
  op: "batch";
  sale: string;
  t: string;
  events: BookEventOut[];
  checkpoint: string | null;
}

export interface BookEventOut {
  v: 1;
  sale: string;
  lot: string | null;
  seq: number;
  n: number;
  t: string;
  at: string;
  type: string;
  prev: string;
  data: Record<string, any>;
}

export interface Bye {
  op: "bye";
  code: string;
  retry_ms: number;
}

export interface ClockOut {
  op: "clock";
  t0: number;
  t1: number;
  t2: number;
}

export interface Error {
  op: "error";
  code: string;
  ref: number | null;
}

export interface Hello {
  op: "hello";
  v: 1;
  ticket?: string | null;
  lang?: "en" | "zh";
}

export interface Limits {
  headroom: number | null;
}

export interface LotStands {
  lot: string;
  seq: number;
  state: string;
  leader: string | null;
  price: number | null;
  ask: number;
  reserve_met: boolean | null;
  bids: number;
  end: string | null;
  hash: string;
  became: string | null;
}

export interface Notice {
  op: "notice";
  lot: string | null;
  key: string;
  n: number | null;
  text: Said | null;
}

export interface Ping {
  op: "ping";
  id: number;
}

export interface PlaceBid {
  op: "place_bid";
  key: string;
  lot: string;
  max: number;
  currency: string;
  rules: string;
  confirm?: number | null;
}

export interface Pong {
  op: "pong";
  id: number;
}

export interface Presence {
  op: "presence";
  sale: string;
  watching: number | "few";
  bidders: number | "few";
}

export interface Resync {
  op: "resync";
  sale: string;
  reason: string;
}

export interface Said {
  en: string;
  zh: string;
}

export interface SealBid {
  op: "seal_bid";
  key: string;
  lot: string;
  envelope: Record<string, any>;
}

export interface Snapshot {
  op: "snapshot";
  sale: string;
  state: string;
  rules: string;
  t: string;
  lots: LotStands[];
  amended: Record<string, string>;
}

export interface Unwatch {
  op: "unwatch";
  sale: string;
  lots?: "all" | string[];
}

export interface Watch {
  op: "watch";
  sale: string;
  lots: "all" | string[];
  after?: Record<string, number>;
}

export interface Welcome {
  op: "welcome";
  v: 1;
  user: string;
  paddle: string | null;
  limits: Limits;
  t: string;
}

export interface You {
  op: "you";
  lot: string;
  seq: number;
  alias: string;
  state: string;
  max: number | null;
  headroom: number | null;
}

export type FromBrowser = Hello | Watch | Unwatch | PlaceBid | SealBid | AskClock | Ping;

export type ToBrowser = Welcome | Snapshot | BatchOut | You | Ack | ClockOut | Pong | Presence | Notice | Resync | Error | Bye;
