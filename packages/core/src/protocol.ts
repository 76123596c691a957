/**
 * What is said over HTTP: the schemas of the public API, whose names are fixed (add, never rename), and those between a
 * server and the agent in a machine.
 */
export type { AgentClient, ConnectAgent, UpgradedDesktop, WorkFile } from './contracts/agent-client.ts';
export { loginEventSchema } from './contracts/login-event.ts';
export type { LoginEvent, LoginNote, SessionStatus } from './contracts/login-event.ts';
export { promptEventSchema } from './contracts/prompt-event.ts';
export type { Observation, ProjectSettings, PromptEvent, ToolPolicy } from './contracts/prompt-event.ts';
export {
  ackRequestSchema,
  AGENT_MAX_BODY,
  AGENT_MAX_RUNS,
  AGENT_PORT,
  agentEventSchema,
  agentProblemSchema,
  answerRequestSchema,
  bootConfigSchema,
  cancelRequestSchema,
  capturedCredentialSchema,
  captureRequestSchema,
  executeEventSchema,
  executeRequestSchema,
  healthSchema,
  MAX_CREDENTIAL_BYTES,
  openPageRequestSchema,
  startAheadRequestSchema,
  startLoginRequestSchema,
  startLoginResponseSchema,
  watchRequestSchema,
} from './protocol/agent-api.ts';
export type {
  AgentEvent,
  AgentProblem,
  BootConfig,
  CapturedCredential,
  CliLaunch,
  EgressAddress,
  ExecuteEvent,
  ExecuteRequest,
  Health,
  LoginDisplay,
  LoginMethod,
  StartAheadRequest,
  StartLoginRequest,
  StartLoginResponse,
} from './protocol/agent-api.ts';
export type { MessageRun } from './protocol/message-run.ts';
export { auditEntrySchema, auditPageSchema, auditQuerySchema } from './protocol/public/audit.ts';
export {
  emptyBodySchema,
  problemSchema,
  providerParamsSchema,
  userParamsSchema,
  userQuerySchema,
} from './protocol/public/common.ts';
export {
  claimBodySchema,
  claimedSchema,
  connectLinkBodySchema,
  connectLinkSchema,
  linkLoginBodySchema,
  linkPageSchema,
  linkReturnSchema,
  openLinkBodySchema,
} from './protocol/public/connect-links.ts';
export {
  credentialListSchema,
  credentialSchema,
  disconnectedSchema,
  importBodySchema,
  importedSchema,
} from './protocol/public/credentials.ts';
export {
  conversationListQuerySchema,
  conversationListSchema,
  conversationSchema,
  encodeCursor,
  loginListQuerySchema,
  loginListSchema,
  loginSummarySchema,
  promptListQuerySchema,
  promptListSchema,
  promptSummarySchema,
} from './protocol/public/lists.ts';
export {
  answerBodySchema,
  loginStatusSchema,
  methodChoiceSchema,
  prepareBodySchema,
  sessionParamsSchema,
  startedLoginSchema,
  startLoginBodySchema,
  viewerTicketSchema,
} from './protocol/public/logins.ts';
export { hostLoadSchema, machineListSchema, machineParamsSchema, machineSchema } from './protocol/public/machines.ts';
export { expectedPromptBodySchema, promptBodySchema, promptParamsSchema } from './protocol/public/prompts.ts';
export { providerListSchema, providerSchema } from './protocol/public/providers.ts';
export { userTokenBodySchema, userTokenSchema, userTokenScopeSchema } from './protocol/public/user-tokens.ts';
export type { UserTokenScope } from './protocol/public/user-tokens.ts';
export {
  encodeFileCursor,
  workFileListQuerySchema,
  workFileListSchema,
  workFileQuerySchema,
  workFileSchema,
} from './protocol/public/work-files.ts';
export {
  agentDirectorySchema,
  listFilesRequestSchema,
  MAX_WORK_FILE_BYTES,
  readFileRequestSchema,
} from './protocol/work-files.ts';
export type { AgentDirectory, WorkDirectoryRequest, WorkEntry } from './protocol/work-files.ts';
export { isRunOver } from './rpc/run.ts';
export type { RpcRun } from './rpc/run.ts';
