import type { ProjectSettings, ToolPolicy } from '../contracts/prompt-event.ts';

/** Passed to every tap of an async hook. */
export interface Context {
  readonly userId: string;
  readonly provider: string | undefined;
  readonly sessionId: string | undefined;
  /** Aborts at the hook's deadline, and when the flow is cancelled. */
  readonly signal: AbortSignal;
}

/** How a prompt runs. Passed through `prompt.plan`, then clamped. */
export interface PromptPlan {
  readonly model: string | undefined;
  readonly tools: ToolPolicy;
  /** `use` only where the prompt asks for it: a plugin can take it away, not grant it. */
  readonly projectSettings: ProjectSettings;
  /** Below `~/work`. */
  readonly workingDirectory: string;
  readonly timeoutMs: number;
  readonly maxOutputBytes: number;
}

export interface PromptView {
  readonly promptId: string;
  readonly userId: string;
  readonly provider: string;
}

/** What becomes of a sign-in URL: shown to the user, opened in the machine's browser, or refused. */
export type UrlDecision = 'show' | 'browser' | 'refuse';
