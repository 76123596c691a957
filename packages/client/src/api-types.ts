import type { components } from './api-schema.ts';

/** The schemas of the server's OpenAPI document by their names. */
type Schemas = components['schemas'];

export type Claim = Schemas['Claim'];
export type Claimed = Schemas['Claimed'];
export type ConnectLink = Schemas['ConnectLink'];
export type ConnectLinkRequest = Schemas['ConnectLinkRequest'];
export type Conversation = Schemas['Conversation'];
export type Credential = Schemas['Credential'];
export type LoginEvent = Schemas['LoginEvent'];
export type LoginStatus = Schemas['LoginStatus'];
export type LoginSummary = Schemas['LoginSummary'];
export type Machine = Schemas['Machine'];
export type Method = Schemas['Method'];
export type Problem = Schemas['Problem'];
export type Prompt = Schemas['Prompt'];
export type ExpectedPrompt = Schemas['ExpectedPrompt'];
export type PromptEvent = Schemas['PromptEvent'];
export type PromptSummary = Schemas['PromptSummary'];
export type Provider = Schemas['Provider'];
export type StartedLogin = Schemas['StartedLogin'];
export type StartLogin = Schemas['StartLogin'];
export type UserToken = Schemas['UserToken'];
export type UserTokenRequest = Schemas['UserTokenRequest'];
export type ViewerTicket = Schemas['ViewerTicket'];
export type WorkFile = Schemas['WorkFile'];
export type Import = Schemas['Import'];
export type Imported = Schemas['Imported'];
export type Disconnected = Schemas['Disconnected'];
