import {
  answerBodySchema,
  auditEntrySchema,
  claimBodySchema,
  claimedSchema,
  connectLinkBodySchema,
  connectLinkSchema,
  conversationSchema,
  credentialSchema,
  disconnectedSchema,
  hostLoadSchema,
  importBodySchema,
  importedSchema,
  loginEventSchema,
  loginStatusSchema,
  loginSummarySchema,
  machineSchema,
  methodChoiceSchema,
  prepareBodySchema,
  problemSchema,
  expectedPromptBodySchema,
  promptBodySchema,
  promptEventSchema,
  promptSummarySchema,
  providerSchema,
  startedLoginSchema,
  startLoginBodySchema,
  userTokenBodySchema,
  userTokenSchema,
  viewerTicketSchema,
  workFileSchema,
} from '@sallyport/core/protocol';
import { z } from 'zod';

/** Schemas that have a name in the OpenAPI document, which generated clients use for their types. */
export const namedSchemas = z.registry<{ id: string }>();

const named = {
  Answer: answerBodySchema,
  AuditEntry: auditEntrySchema,
  Claim: claimBodySchema,
  Claimed: claimedSchema,
  ConnectLink: connectLinkSchema,
  ConnectLinkRequest: connectLinkBodySchema,
  Conversation: conversationSchema,
  Credential: credentialSchema,
  Disconnected: disconnectedSchema,
  HostLoad: hostLoadSchema,
  Import: importBodySchema,
  Imported: importedSchema,
  LoginEvent: loginEventSchema,
  LoginStatus: loginStatusSchema,
  LoginSummary: loginSummarySchema,
  Machine: machineSchema,
  Method: methodChoiceSchema,
  Problem: problemSchema,
  Prompt: promptBodySchema,
  ExpectedLogin: prepareBodySchema,
  ExpectedPrompt: expectedPromptBodySchema,
  PromptEvent: promptEventSchema,
  PromptSummary: promptSummarySchema,
  Provider: providerSchema,
  StartedLogin: startedLoginSchema,
  StartLogin: startLoginBodySchema,
  UserToken: userTokenSchema,
  UserTokenRequest: userTokenBodySchema,
  ViewerTicket: viewerTicketSchema,
  WorkFile: workFileSchema,
};
for (const [id, schema] of Object.entries(named)) namedSchemas.add(schema, { id });

/** What a stream of events consists of. */
export type StreamedSchema = 'LoginEvent' | 'PromptEvent';

/** Where the document has them. */
export const SCHEMAS = '#/components/schemas/';

export function referenceTo(name: keyof typeof named): { readonly $ref: string } {
  return { $ref: SCHEMAS + name };
}
