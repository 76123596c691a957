import type { CredentialFacts, CredentialFiles } from './credential-files.ts';
import type { Observation, PromptEvent } from './prompt-event.ts';
import type { ProviderManifest } from '../provider/manifest.ts';

/**
 * A vendor's CLI and its sign-in: a manifest and up to three small pure functions. Provider packages export one as
 * `provider`.
 */
export interface Provider {
  readonly manifest: ProviderManifest;
  /** Turns the output of a headless run into events. Absent: each line of output is a `text` event. */
  readonly parse?: PromptParser;
  /** Extracts facts from a credential. Absent: nothing is known, and any complete credential is accepted. */
  readonly inspect?: (files: CredentialFiles) => CredentialFacts;
  /**
   * Whether `next` is newer than `old`. Asked about a user's file, about facts without `lineage`, and about another
   * access token of the same `lineage`. A refresh token that was never stored needs no rule. Absent: the later
   * `issuedAt` wins, or the later arrival if neither is known.
   */
  readonly supersedes?: (next: CredentialFacts, old: CredentialFacts) => boolean;
}

/**
 * A pure parser; the state is any JSON value. A `prompt-end` is held back until the CLI exits. The exception is a
 * `prompt-end` that reports a refused credential: some CLIs would retry for minutes, so the run is ended at once.
 */
export interface PromptParser<State = unknown> {
  initial(): State;
  step(state: State, observation: Observation): { readonly state: State; readonly events: readonly PromptEvent[] };
}
