export { createSallyport } from './sallyport.ts';
export type { Sallyport, SallyportOptions } from './sallyport.ts';
export type { ListOptions } from './list.ts';
export type { Login } from './login.ts';
export type { PromptResult, PromptRun } from './prompt-run.ts';
export type { WithId } from './follow.ts';
export { SallyportError } from './error.ts';
export type { ClientErrorCode, ErrorCode } from './error.ts';
export type { TokenSource } from './request.ts';
export type {
  Claim,
  Claimed,
  ConnectLink,
  ConnectLinkRequest,
  Conversation,
  Credential,
  Disconnected,
  ExpectedPrompt,
  Import,
  Imported,
  LoginEvent,
  LoginStatus,
  LoginSummary,
  Machine,
  Method,
  Prompt,
  PromptEvent,
  PromptSummary,
  Provider,
  StartedLogin,
  StartLogin,
  UserToken,
  UserTokenRequest,
  ViewerTicket,
  WorkFile,
} from './api-types.ts';
