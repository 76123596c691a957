import type { CredentialSummary } from '../contracts/credential-summary.ts';
import type {
  AsyncSeriesBailHook,
  AsyncSeriesHook,
  AsyncSeriesWaterfallHook,
  SyncHook,
  SyncWaterfallHook,
} from 'tapable';

import type { DomainEvent } from '../contracts/domain-event.ts';
import type { GuardedUrl } from '../contracts/guarded-url.ts';
import type { MachinePlan, MachineView } from '../contracts/plan.ts';
import type { NetworkPlan } from '../contracts/egress.ts';
import type { PromptEvent, ToolPolicy } from '../contracts/prompt-event.ts';
import type { Question } from '../provider/question.ts';
import type { OfferedMethod } from '../provider/manual-entry.ts';

/** Passed to every tap of an async hook. */
export interface Context {
  readonly userId: string;
  readonly provider: string | undefined;
  readonly sessionId: string | undefined;
  /** Aborts at the hook's deadline, and when the flow is cancelled. */
  readonly signal: AbortSignal;
}

/** How a prompt shall be run. Passed through `prompt.plan`, then clamped. */
export interface PromptPlan {
  readonly model: string | undefined;
  readonly tools: ToolPolicy;
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

/** What becomes of a sign-in link: shown to the user, opened in the machine's browser, or refused. */
export type UrlDecision = 'show' | 'browser' | 'refuse';

/** Every hook there is. `docs/hooks.md` is generated from `hook-table.ts`. */
export interface SallyportHooks {
  readonly 'machine.plan': AsyncSeriesWaterfallHook<[MachinePlan, Context], MachinePlan>;
  readonly 'network.plan': AsyncSeriesWaterfallHook<[NetworkPlan, Context], NetworkPlan>;
  readonly 'machine.started': AsyncSeriesHook<[MachineView, Context]>;
  readonly 'machine.stopping': AsyncSeriesHook<[MachineView, Context, string]>;
  readonly 'login.method': AsyncSeriesBailHook<[readonly OfferedMethod[], Context], OfferedMethod | undefined>;
  readonly 'login.url': AsyncSeriesBailHook<[GuardedUrl, Context], UrlDecision | undefined>;
  readonly 'login.prompt': AsyncSeriesBailHook<[Question, Context], string | undefined>;
  readonly 'credential.captured': AsyncSeriesHook<[CredentialSummary, Context]>;
  readonly 'credential.release': AsyncSeriesBailHook<[CredentialSummary, MachineView, Context], string | undefined>;
  readonly 'prompt.plan': AsyncSeriesWaterfallHook<[PromptPlan, Context], PromptPlan>;
  readonly 'prompt.event': SyncWaterfallHook<[PromptEvent, PromptView], PromptEvent>;
  readonly event: SyncHook<[DomainEvent]>;
}

export type HookName = keyof SallyportHooks;
