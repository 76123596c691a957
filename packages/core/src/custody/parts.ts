import type { Runtime } from '../runtime/runtime.ts';

/** What custody needs of the runtime. */
export type CustodyParts = Pick<
  Runtime,
  | 'bestEffort'
  | 'closing'
  | 'driver'
  | 'emit'
  | 'hooks'
  | 'host'
  | 'ledger'
  | 'noteEvent'
  | 'registry'
  | 'repeatLimit'
  | 'reportBackground'
  | 'rotationLimit'
  | 'store'
  | 'writeBacks'
>;
