/**
 * For those who keep the master key: the contract, the key ring of one host, rewrapping, and the guard against a database
 * that was put back.
 */
export type { KeyRing, SealBinding, Sealed } from './contracts/key-ring.ts';
export { createMemoryRollbackGuard } from './contracts/rollback-guard.ts';
export type { GuardRecord, RollbackGuard } from './contracts/rollback-guard.ts';
export { createLocalKeyRing } from './credentials/local-key-ring.ts';
export type { LocalKeyRingOptions } from './credentials/local-key-ring.ts';
export { rewrapCredentials } from './credentials/rewrap-credentials.ts';
export type { RewrapOptions, RewrapResult } from './credentials/rewrap-credentials.ts';
