import type { HookName } from './hooks.ts';

/** What there is to know about a hook. `docs/hooks.md` is printed from this; the deadlines are the real ones. */
export interface HookFacts {
  /** The class of tapable that it is, which says how taps are joined. */
  readonly kind: 'AsyncSeriesWaterfall' | 'AsyncSeries' | 'AsyncSeriesBail' | 'SyncWaterfall' | 'Sync';
  readonly arguments: readonly string[];
  /** What a tap may return; `undefined` is always allowed and passes. */
  readonly result: string;
  readonly when: string;
  /** What becomes of the flow when a tap throws, hangs or answers nonsense. */
  readonly failure: string;
  /** For each tap. `null`: the hook is synchronous. */
  readonly deadlineMs: number | null;
}

const PLAN_MS = 10_000;
const LOGIN_MS = 5_000;

export const hookTable = {
  'machine.plan': {
    kind: 'AsyncSeriesWaterfall',
    arguments: ['plan: MachinePlan', 'context: Context'],
    result: 'MachinePlan',
    when: 'Before a machine exists: its size, image, labels and screen. Clamped to the ceiling; identity, agent and CLIs stay.',
    failure: 'The machine is not made.',
    deadlineMs: PLAN_MS,
  },
  'network.plan': {
    kind: 'AsyncSeriesWaterfall',
    arguments: ['plan: NetworkPlan', 'context: Context'],
    result: 'NetworkPlan',
    when: 'Before the egress of a machine is opened: the hosts it may reach, cut down to the ceiling. Identity stays.',
    failure: 'The machine is not made.',
    deadlineMs: PLAN_MS,
  },
  'machine.started': {
    kind: 'AsyncSeries',
    arguments: ['machine: MachineView', 'context: Context'],
    result: 'nothing',
    when: 'The agent in the machine is healthy, and nothing has used it yet.',
    failure: 'The machine is stopped.',
    deadlineMs: PLAN_MS,
  },
  'machine.stopping': {
    kind: 'AsyncSeries',
    arguments: ['machine: MachineView', 'context: Context', 'reason: string'],
    result: 'nothing',
    when: 'The machine is about to stop and can still be reached. Runs also when the flow was cancelled.',
    failure: 'Reported; the other taps run, and the stop goes on.',
    deadlineMs: 30_000,
  },
  'login.method': {
    kind: 'AsyncSeriesBail',
    arguments: ['methods: readonly OfferedMethod[]', 'context: Context'],
    result: 'one of the methods given',
    when: 'A login starts and the request names no method.',
    failure: 'The login fails.',
    deadlineMs: LOGIN_MS,
  },
  'login.url': {
    kind: 'AsyncSeriesBail',
    arguments: ['url: GuardedUrl', 'context: Context'],
    result: "'show', 'browser' or 'refuse'",
    when: 'The CLI gave its sign-in link. Only links that passed the guard arrive.',
    failure: 'The login fails.',
    deadlineMs: LOGIN_MS,
  },
  'login.prompt': {
    kind: 'AsyncSeriesBail',
    arguments: ['prompt: DeclaredPrompt', 'context: Context'],
    result: 'the answer, a string; for a choice, one of the choices',
    when: 'The CLI asks what the manifest leaves open. Never for prompts declared secret. Without an answer the user is asked.',
    failure: 'The login fails.',
    deadlineMs: LOGIN_MS,
  },
  'credential.captured': {
    kind: 'AsyncSeries',
    arguments: ['credential: CredentialSummary', 'context: Context'],
    result: 'nothing',
    when: 'A login is complete, and not stored yet. Throw a SallyportError with the code CREDENTIAL_REFUSED to refuse it.',
    failure: 'A login or import is not stored; a rotation is stored before the hook and whatever it does.',
    deadlineMs: LOGIN_MS,
  },
  'credential.release': {
    kind: 'AsyncSeriesBail',
    arguments: ['credential: CredentialSummary', 'machine: MachineView', 'context: Context'],
    result: 'why it is refused, a string',
    when: "The last gate before a credential is put on a machine's disk.",
    failure: 'The credential is not released.',
    deadlineMs: LOGIN_MS,
  },
  'prompt.plan': {
    kind: 'AsyncSeriesWaterfall',
    arguments: ['plan: PromptPlan', 'context: Context'],
    result: 'PromptPlan',
    when: 'Before a prompt runs: model, tools, working directory and limits. Clamped to the ceiling.',
    failure: 'The prompt fails.',
    deadlineMs: PLAN_MS,
  },
  'prompt.event': {
    kind: 'SyncWaterfall',
    arguments: ['event: PromptEvent', 'prompt: PromptView'],
    result: 'PromptEvent of the same type',
    when: 'Each event of a prompt, before it is stored and shown: redact, count, tag. The hot path.',
    failure: 'The prompt fails.',
    deadlineMs: null,
  },
  event: {
    kind: 'Sync',
    arguments: ['event: DomainEvent'],
    result: 'nothing',
    when: 'Every change of state, once: audit, metrics, webhooks.',
    failure: 'Reported; nothing else happens.',
    deadlineMs: null,
  },
} as const satisfies Record<HookName, HookFacts>;
