/**
 * For those who write a provider: the manifest, what its functions take and return, and readers for output that nobody
 * vouches for.
 */
export { digest } from './base/digest.ts';
export type { CredentialFacts, CredentialFiles, InvalidReason } from './contracts/credential-files.ts';
export type { Observation, ProjectSettings, PromptEvent, ToolPolicy } from './contracts/prompt-event.ts';
export type { PromptParser, Provider } from './contracts/provider.ts';
export { quotable } from './login-engine/screen-text.ts';
export type { CredentialEnvironmentItem, CredentialFileItem, CredentialItem } from './provider/credential-item.ts';
export type { HeadlessPrompt } from './provider/headless-prompt.ts';
export { tryParseJsonc } from './provider/jsonc.ts';
export { asRecord, finiteNumber, nonEmpty, readable, tryParseJson } from './provider/lenient-json.ts';
export type { JsonRecord } from './provider/lenient-json.ts';
export type { LineValue } from './provider/line-value.ts';
export type { JsonLinesPrompt, LinesPrompt } from './provider/lines-prompt.ts';
export type { LoginMethod, LoginNeed } from './provider/login-method.ts';
export { manifestSchema } from './provider/manifest.ts';
export type { ProviderManifest } from './provider/manifest.ts';
export type { ProviderManifestInput } from './provider/manifest-input.ts';
export { matchText } from './provider/matcher.ts';
export type { Matcher } from './provider/matcher.ts';
export type { Question } from './provider/question.ts';
export type { RefreshCommand } from './provider/refresh-command.ts';
export { manifestHash, parseManifest } from './provider/registry.ts';
export type { Resident, ResidentLimits } from './provider/resident.ts';
export type { RpcPrompt } from './provider/rpc-prompt.ts';
export type { RpcStep } from './provider/rpc-step.ts';
export { factsOf } from './rpc/facts.ts';
