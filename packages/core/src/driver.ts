/** For those who write a machine driver: the contract, and what drivers have in common. */
export { hangUp } from './base/hang-up.ts';
export { callbackAddresses, callbackHosts, isLoopback } from './base/loopback.ts';
export { createSerialQueue, orAborted } from './base/serial-queue.ts';
export { untilDesktop } from './browser-machine/until-desktop.ts';
export type { CallbackPortLease, CallbackPortRequest, CallbackPorts } from './contracts/callback-ports.ts';
export type { PlacedFile } from './contracts/credential-files.ts';
export type {
  Check,
  DriverFeatures,
  Machine,
  MachineDisk,
  MachineDriver,
  MachineExit,
  MachineRef,
  StartOptions,
} from './contracts/driver.ts';
export type {
  AgentBundle,
  LoginDisplay,
  MachinePlan,
  MachineRole,
  MachineStart,
  MachineState,
  MachineView,
} from './contracts/plan.ts';
export type { Need, SpareWork, UseSpareRoom } from './contracts/spare-room.ts';
export { decodeCredentialText, findFileProblem } from './credentials/file-text.ts';
export { newBootToken } from './machine/boot-token.ts';
export { newMachineId, NOBODY } from './machine/ids.ts';
export { homePathSchema, idSchema } from './provider/bounded.ts';
export { cliPrograms, isJavaScript } from './provider/cli-programs.ts';
export { tryParseJsonc } from './provider/jsonc.ts';
export { asRecord, readable, tryParseJson } from './provider/lenient-json.ts';
export type { JsonRecord } from './provider/lenient-json.ts';
export { readLockfile } from './provider/lockfile.ts';
export type { LockedPackage, Lockfile } from './provider/lockfile.ts';
export { createNpmCause, endOfNpm } from './provider/npm-cause.ts';
export type { NpmCause, NpmEnd } from './provider/npm-cause.ts';
export { AGENT_PORT, MAX_CREDENTIAL_BYTES } from './protocol/agent-api.ts';
export type { BootConfig } from './protocol/agent-api.ts';
