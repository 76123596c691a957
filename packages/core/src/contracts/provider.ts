import type { CredentialFacts, CredentialFiles } from './credential-files.ts';
import type { Observation, PromptEvent } from './prompt-event.ts';
import type { ProviderManifest } from '../provider/manifest.ts';

/**
 * A vendor's CLI and its sign-in: a manifest and at most three small pure functions.
 * Provider packages export one as `provider`.
 */
export interface Provider {
  readonly manifest: ProviderManifest;
  /** Turns what a headless run shows into events. Absent: each line of output is a `text` event. */
  readonly parse?: PromptParser;
  /** What a credential says about itself. Absent: nothing is known, and any complete one is accepted. */
  readonly inspect?: (files: CredentialFiles) => CredentialFacts;
  /** Whether `next` is newer than `old`. Absent: the later `issuedAt`, and where none is known the later arrival. */
  readonly supersedes?: (next: CredentialFacts, old: CredentialFacts) => boolean;
}

/**
 * A pure parser: the state is any JSON value. A `prompt-end` waits for the exit of the CLI, unless it says that the
 * provider refuses the login: some CLIs would try again for minutes, and such a run is ended.
 */
export interface PromptParser<State = unknown> {
  initial(): State;
  step(state: State, observation: Observation): { readonly state: State; readonly events: readonly PromptEvent[] };
}
