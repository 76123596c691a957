/** For those who write an egress: the contract, and how hosts are allowed. */
export { ANY_HOST, isHostAllowed } from './contracts/egress.ts';
export type {
  Egress,
  EgressIdentity,
  EgressOptions,
  EgressRoute,
  NetworkPlan,
  RefusalReason,
  ReservedRoute,
} from './contracts/egress.ts';
export { FIRST_PROXY_PORT } from './contracts/store.ts';
