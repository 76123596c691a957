/** Sallyport in a program: `createSallyport`, its options and events, hooks, errors. */
export type { HostLoad } from './admission/admission.ts';
export type { CapacitySettings } from './admission/capacity.ts';
export type { ConnectedCredential, Credentials, Disconnected, ImportedCredential } from './app/credentials.ts';
export type { EpochMemory } from './app/host-claim.ts';
export type { Machines } from './app/machines.ts';
export { createSallyport } from './app/sallyport.ts';
export type { Sallyport, SallyportOptions } from './app/sallyport.ts';
export { systemClock } from './base/clock.ts';
export type { Clock, Deadline } from './base/clock.ts';
export { errorCodes, SallyportError, toSallyportError } from './base/errors.ts';
export type { ErrorCode, SallyportErrorInit } from './base/errors.ts';
export { legible } from './base/legible.ts';
export { Secret } from './base/secret.ts';
export { LOCAL_USER, resolveUserId, userIdOfSubject } from './base/user-id.ts';
export type { ResolvedUser } from './base/user-id.ts';
export type { WarmMachine, WarmPool } from './browser-machine/warm-pool.ts';
export { lastConversationId } from './contracts/conversation-id.ts';
export type { CredentialSummary } from './contracts/credential-summary.ts';
export type { DiskSpace, ReadDiskSpace } from './contracts/disk-space.ts';
export type { DomainEvent } from './contracts/domain-event.ts';
export type {
  FakeVendorLogin,
  FakeVendorModule,
  FakeVendorModuleOptions,
  FakeVendorSignIn,
  RunningFakeVendor,
} from './contracts/fake-vendor-module.ts';
export type { LoginEvent, LoginNote, SessionStatus } from './contracts/login-event.ts';
export type { ProjectSettings, PromptEvent, ToolPolicy } from './contracts/prompt-event.ts';
export type { QueueSettings } from './contracts/work-queue.ts';
export type { Context, PromptPlan, PromptView, UrlDecision } from './hooks/arguments.ts';
export { defaultCeiling } from './hooks/ceiling.ts';
export type { Ceiling } from './hooks/ceiling.ts';
export { createHooks } from './hooks/create-hooks.ts';
export type { CreateHooksOptions } from './hooks/create-hooks.ts';
export { hookNames } from './hooks/hooks.ts';
export type { AsyncTaps, HookCalls, HookName, SallyportHooks, SyncTaps } from './hooks/hooks.ts';
export type { HookTiming, Instruments } from './hooks/instrument-hooks.ts';
export type { Plugin, PluginHost } from './hooks/plugin.ts';
export type { HeldLogins } from './login/held-logins.ts';
export type { Logins, StartLogin } from './login/logins.ts';
export type {
  MethodChoice,
  MethodSelection,
  MethodSelectionRequest,
  UnavailableMethod,
} from './login/method-selection.ts';
export { loginPhases } from './login/phases.ts';
export type { LoginPhase } from './login/phases.ts';
export type { LiveSession } from './login/session.ts';
export type { Prompts } from './prompts/prompts.ts';
export type { StartPrompt } from './prompts/start-prompt.ts';
export { consentOf } from './provider/consent.ts';
export type { Consent } from './provider/consent.ts';
export type { ProviderGate } from './provider/gate.ts';
export type { ManualEntry, OfferedMethod } from './provider/manual-entry.ts';
export { withheldBecause } from './provider/policy.ts';
export type { DeploymentKind, ProviderPolicy } from './provider/policy.ts';
export { createRegistry } from './provider/registry.ts';
export type { ProviderRegistry } from './provider/registry.ts';
export type { ResumePoint } from './runtime/journal-stream.ts';
export { checkLimit } from './runtime/limits.ts';
export type { Limits } from './runtime/limits.ts';
export type { InstallCli } from './runtime/runtime.ts';
export { defaultSettings } from './runtime/settings.ts';
export type { BootTimeouts, KeepAliveSettings, Settings, WarmSettings } from './runtime/settings.ts';
