import type { CredentialSummary } from '../contracts/credential-summary.ts';
import type { DomainEvent } from '../contracts/domain-event.ts';
import type { NetworkPlan } from '../contracts/egress.ts';
import type { GuardedUrl } from '../contracts/guarded-url.ts';
import type { MachinePlan, MachineView } from '../contracts/plan.ts';
import type { PromptEvent } from '../contracts/prompt-event.ts';
import type { OfferedMethod } from '../provider/manual-entry.ts';
import type { Question } from '../provider/question.ts';
import {
  acceptAnswer,
  acceptMethod,
  acceptNothing,
  acceptPlan,
  acceptPromptEvent,
  acceptText,
  acceptUrlDecision,
} from './accept.ts';
import type { Context, PromptPlan, PromptView, UrlDecision } from './arguments.ts';
import { defineHook } from './definition.ts';

const PLAN_MS = 10_000;
const LOGIN_MS = 5_000;

/** Every hook there is. To add one, add its definition here and call it where it fires. */
export const hookDefinitions = {
  'machine.plan': defineHook<[plan: MachinePlan, context: Context], MachinePlan>()({
    kind: 'AsyncSeriesWaterfall',
    args: ['plan: MachinePlan', 'context: Context'],
    deadlineMs: PLAN_MS,
    onFailure: 'ends-flow',
    accept: acceptPlan,
    doc: {
      when: 'Before a machine is created: its size, image, labels and screen. Clamped to the ceiling; identity, agent and CLIs are fixed.',
      result: 'MachinePlan',
      failure: 'The machine is not created.',
    },
  }),
  'network.plan': defineHook<[plan: NetworkPlan, context: Context], NetworkPlan>()({
    kind: 'AsyncSeriesWaterfall',
    args: ['plan: NetworkPlan', 'context: Context'],
    deadlineMs: PLAN_MS,
    onFailure: 'ends-flow',
    accept: acceptPlan,
    doc: {
      when: 'Before the egress of a machine is opened: the hosts it may reach. Clamped to the ceiling; the identity is fixed.',
      result: 'NetworkPlan',
      failure: 'The machine is not created.',
    },
  }),
  'machine.started': defineHook<[machine: MachineView, context: Context]>()({
    kind: 'AsyncSeries',
    args: ['machine: MachineView', 'context: Context'],
    deadlineMs: PLAN_MS,
    onFailure: 'ends-flow',
    accept: acceptNothing,
    doc: {
      when: 'The agent in the machine is healthy, and nothing has used it yet.',
      result: 'nothing',
      failure: 'The machine is stopped.',
    },
  }),
  'machine.stopping': defineHook<[machine: MachineView, context: Context, reason: string]>()({
    kind: 'AsyncSeries',
    args: ['machine: MachineView', 'context: Context', 'reason: string'],
    deadlineMs: 30_000,
    onFailure: 'is-reported',
    accept: acceptNothing,
    doc: {
      when: 'The machine is about to stop and can still be reached. Also runs if the flow was cancelled.',
      result: 'nothing',
      failure: 'It is reported. The other taps still run, and the machine still stops.',
    },
  }),
  'login.method': defineHook<[methods: readonly OfferedMethod[], context: Context], OfferedMethod>()({
    kind: 'AsyncSeriesBail',
    args: ['methods: readonly OfferedMethod[]', 'context: Context'],
    deadlineMs: LOGIN_MS,
    onFailure: 'ends-flow',
    accept: acceptMethod,
    resultOf: (answer, [methods]) => methods.find(({ id }) => id === answer?.id),
    doc: {
      when: 'A login starts and the request names no method.',
      result: 'one of the methods given',
      failure: 'The login fails.',
    },
  }),
  'login.url': defineHook<[url: GuardedUrl, context: Context], UrlDecision>()({
    kind: 'AsyncSeriesBail',
    args: ['url: GuardedUrl', 'context: Context'],
    deadlineMs: LOGIN_MS,
    onFailure: 'ends-flow',
    accept: acceptUrlDecision,
    doc: {
      when: 'The CLI has given a sign-in link, and the link has passed the guard.',
      result: "'show', 'browser' or 'refuse'",
      failure: 'The login fails.',
    },
  }),
  'login.question': defineHook<[question: Question, context: Context], string>()({
    kind: 'AsyncSeriesBail',
    args: ['question: Question', 'context: Context'],
    deadlineMs: LOGIN_MS,
    onFailure: 'ends-flow',
    accept: acceptAnswer,
    isFor: ([question]) => !question.secret,
    doc: {
      when: 'The CLI asks a question that the manifest does not answer. Never for secret questions. If no tap answers, the user is asked.',
      result: 'the answer, a string; for a choice, one of the choices',
      failure: 'The login fails.',
    },
  }),
  'credential.captured': defineHook<[credential: CredentialSummary, context: Context]>()({
    kind: 'AsyncSeries',
    args: ['credential: CredentialSummary', 'context: Context'],
    deadlineMs: LOGIN_MS,
    onFailure: 'ends-flow',
    accept: acceptNothing,
    doc: {
      when: 'A login is complete but not stored yet. Throw a SallyportError with the code CREDENTIAL_REFUSED to refuse it.',
      result: 'nothing',
      failure: 'A login or import is not stored. A rotation is stored before the hook runs, whatever the hook does.',
    },
  }),
  'credential.release': defineHook<[credential: CredentialSummary, machine: MachineView, context: Context], string>()({
    kind: 'AsyncSeriesBail',
    args: ['credential: CredentialSummary', 'machine: MachineView', 'context: Context'],
    deadlineMs: LOGIN_MS,
    onFailure: 'ends-flow',
    accept: acceptText,
    doc: {
      when: "The last gate before a credential is put on a machine's disk.",
      result: 'the reason to refuse it, a string',
      failure: 'The credential is not released.',
    },
  }),
  'prompt.plan': defineHook<[plan: PromptPlan, context: Context], PromptPlan>()({
    kind: 'AsyncSeriesWaterfall',
    args: ['plan: PromptPlan', 'context: Context'],
    deadlineMs: PLAN_MS,
    onFailure: 'ends-flow',
    accept: acceptPlan,
    doc: {
      when: 'Before a prompt runs: model, tools, working directory and limits. Clamped to the ceiling.',
      result: 'PromptPlan',
      failure: 'The prompt fails.',
    },
  }),
  'prompt.event': defineHook<[event: PromptEvent, prompt: PromptView], PromptEvent>()({
    kind: 'SyncWaterfall',
    args: ['event: PromptEvent', 'prompt: PromptView'],
    deadlineMs: null,
    onFailure: 'ends-flow',
    accept: acceptPromptEvent,
    doc: {
      when: 'For each event of a prompt, before it is stored and shown: redact, count or tag it. This is the hot path.',
      result: 'PromptEvent of the same type',
      failure: 'The prompt fails.',
    },
  }),
  event: defineHook<[event: DomainEvent]>()({
    kind: 'Sync',
    args: ['event: DomainEvent'],
    deadlineMs: null,
    onFailure: 'is-reported',
    accept: acceptNothing,
    doc: {
      when: 'Once for every change of state, for audit, metrics and webhooks.',
      result: 'nothing',
      failure: 'It is reported, and nothing else happens.',
    },
  }),
};
