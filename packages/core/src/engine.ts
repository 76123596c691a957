/**
 * The parts that an agent and a test kit are made of: login engine, JSON-RPC, argument vectors, credential files,
 * redaction. They change with them.
 */
export { canonicalJson } from './base/canonical-json.ts';
export { callbackAddresses, callbackHosts, isLoopback, unproxiedHosts } from './base/loopback.ts';
export { runRefresh } from './cli-machine/run-refresh.ts';
export type { Check } from './contracts/driver.ts';
export type { GuardedUrl } from './contracts/guarded-url.ts';
export type { AgentBundle } from './contracts/plan.ts';
export { bundleSha256, decodeBundle, encodeBundle } from './credentials/bundle.ts';
export type { Bundle } from './credentials/bundle.ts';
export { checkImport } from './credentials/check-import.ts';
export { decide } from './credentials/decide.ts';
export type { CaptureReason, Decision, OfferedFacts, RefusalKind, StoredFacts } from './credentials/decide.ts';
export type { LedgerProvider } from './credentials/examine.ts';
export { decodeCredentialText, findFileProblem } from './credentials/file-text.ts';
export { mergeJson } from './credentials/json-merge.ts';
export { createLedger } from './credentials/ledger.ts';
export type {
  CredentialLease,
  CredentialOffer,
  CredentialStanding,
  EndedCredential,
  Ledger,
  LedgerOptions,
  OfferOutcome,
  ReleasedCredential,
} from './credentials/ledger.ts';
export { loginPart } from './credentials/login-part.ts';
export { isOptional, missingParts } from './credentials/missing-parts.ts';
export type { MissingPart } from './credentials/missing-parts.ts';
export {
  collectCredential,
  credentialEnvironment,
  credentialPaths,
  expandHome,
  placeCredential,
  settingsFor,
} from './credentials/place.ts';
export type { CredentialPlace } from './credentials/place.ts';
export type { HookDefinition, HookKind } from './hooks/definition.ts';
export { hookDefinitions } from './hooks/definitions.ts';
export { checkCallback } from './login-engine/callback.ts';
export type { CallbackVerdict, ExpectedCallback } from './login-engine/callback.ts';
export { createLogin, step } from './login-engine/engine.ts';
export { matchWhole } from './login-engine/hard-wrap.ts';
export { findLink, screenText } from './login-engine/link-search.ts';
export type { FoundLink, LinkSource } from './login-engine/link-search.ts';
export type { LoginAction, LoginObservation, ScreenView } from './login-engine/observation.ts';
export { screenExcerpt } from './login-engine/screen-text.ts';
export type { AnsweredStep, LoginState, LoginStep, TypedStep } from './login-engine/state.ts';
export { guardUrl } from './login-engine/url-guard.ts';
export type { UrlVerdict } from './login-engine/url-guard.ts';
export { methodName, rankMethods } from './login/method-selection.ts';
export { buildArgv, buildRpcRun } from './prompts/argv.ts';
export type { ArgvValues } from './prompts/argv.ts';
export { promptText } from './prompts/prompt-text.ts';
export { cliPrograms, isJavaScript } from './provider/cli-programs.ts';
export { hasLineValue, parseLine } from './provider/line-value.ts';
export type { LineValue } from './provider/line-value.ts';
export { keysOfPointer } from './provider/required-value.ts';
export type { ResidentRun } from './provider/resident.ts';
export { fillTemplate, valueAt } from './provider/rpc-template.ts';
export { namedValuesIn } from './redaction/named-values.ts';
export type { NamedValue } from './redaction/named-values.ts';
export { secretShapes, tokensIn } from './redaction/secret-shapes.ts';
export { isNamedSecret, secretsInText } from './redaction/secrets-in-text.ts';
export {
  hasToldPrompt,
  openRpcConnection,
  overdueRequest,
  receiveMessage,
  resumeRpcConnection,
} from './rpc/connection.ts';
export type { RpcConnection, RpcOpening, Turn } from './rpc/connection.ts';
