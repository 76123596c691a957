import type { Provider } from '@sallyport/core/provider';

import { credentialSuite } from './provider/credential-suite.ts';
import type { CredentialCase } from './provider/credential-suite.ts';
import { conversationSuite } from './provider/conversation-suite.ts';
import type { ConversationCase } from './provider/conversation-suite.ts';
import { guardSuite } from './provider/guard-suite.ts';
import { headlessSuite } from './provider/headless-suite.ts';
import type { HeadlessCase } from './provider/headless-suite.ts';
import { keysSuite } from './provider/keys-suite.ts';
import { leakSuite } from './provider/leak-suite.ts';
import { manifestSuite } from './provider/manifest-suite.ts';
import { transcriptSuite } from './provider/transcript-suite.ts';
import type { TranscriptCase } from './provider/transcript-suite.ts';
import type { TestRunner } from './runner.ts';

export type { ConversationCase } from './provider/conversation-suite.ts';
export type { CredentialCase } from './provider/credential-suite.ts';
export type { HeadlessCase } from './provider/headless-suite.ts';
export type { TranscriptCase } from './provider/transcript-suite.ts';

/** What was recorded of a provider's real CLI. */
export interface ProviderRecordings {
  readonly transcripts: readonly TranscriptCase[];
  readonly credentials: readonly CredentialCase[];
  readonly headless: readonly HeadlessCase[];
  /** Logins over JSON-RPC. Default: none. */
  readonly conversations?: readonly ConversationCase[];
}

/**
 * What every provider has to do, shown on recordings of its CLI and without an account.
 *
 * @example
 * describeProvider(provider, { transcripts, credentials, headless }, { describe, it, expect });
 */
export function describeProvider(provider: Provider, recordings: ProviderRecordings, runner: TestRunner): void {
  runner.describe(`the provider ${provider.manifest.id}`, () => {
    manifestSuite(provider, runner);
    guardSuite(provider, runner);
    keysSuite(provider, runner);
    credentialSuite(provider, recordings.credentials, runner);
    headlessSuite(provider, recordings.headless, runner);
    leakSuite(provider, recordings, runner);
    transcriptSuite(provider, recordings.transcripts, runner);
    conversationSuite(provider, recordings.conversations ?? [], runner);
  });
}
