import type { DomainEvent } from '../contracts/domain-event.ts';
import type { Context, PromptPlan, PromptView, UrlDecision } from './hooks.ts';
import type { CredentialSummary } from '../contracts/credential-summary.ts';
import type { GuardedUrl } from '../contracts/guarded-url.ts';
import type { MachinePlan, MachineView } from '../contracts/plan.ts';
import type { NetworkPlan } from '../contracts/egress.ts';
import type { PromptEvent } from '../contracts/prompt-event.ts';
import type { Question } from '../provider/question.ts';
import type { OfferedMethod } from '../provider/manual-entry.ts';
import type { SallyportError } from '../base/errors.ts';

/**
 * How the flows call the hooks: one function each. Arguments reach the taps as frozen copies; each tap has its own
 * deadline, and its `Context` a signal that aborts at that deadline or with the signal given here. Failures
 * are `PLUGIN_FAILED` and `PLUGIN_TIMED_OUT`, which name plugin and hook; when the flow is cancelled they
 * reject with the reason of its signal.
 */
export interface HookCalls {
  /** What comes back is not clamped yet: pass it through `clampMachinePlan`. The same holds for the other two plans. */
  machinePlan(plan: MachinePlan, context: Context): Promise<MachinePlan>;
  networkPlan(plan: NetworkPlan, context: Context): Promise<NetworkPlan>;
  machineStarted(machine: MachineView, context: Context): Promise<void>;
  /** Never rejects: resolves to what failed, which has been reported already. */
  machineStopping(machine: MachineView, context: Context, reason: string): Promise<readonly SallyportError[]>;
  /** One of the methods given, or `undefined` where no plugin cares. */
  loginMethod(methods: readonly OfferedMethod[], context: Context): Promise<OfferedMethod | undefined>;
  loginUrl(url: GuardedUrl, context: Context): Promise<UrlDecision | undefined>;
  /** Always `undefined` for a secret prompt: no plugin hears of it. */
  loginPrompt(prompt: Question, context: Context): Promise<string | undefined>;
  credentialCaptured(credential: CredentialSummary, context: Context): Promise<void>;
  /** Why the credential is refused, or `undefined`. */
  credentialRelease(credential: CredentialSummary, machine: MachineView, context: Context): Promise<string | undefined>;
  promptPlan(plan: PromptPlan, context: Context): Promise<PromptPlan>;
  promptEvent(event: PromptEvent, prompt: PromptView): PromptEvent;
  /** Never throws. */
  event(event: DomainEvent): void;
}
