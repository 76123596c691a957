import { SallyportError } from '../base/errors.ts';
import type { HeadlessPrompt } from '../provider/headless-prompt.ts';
import type { JsonLinesPrompt, LinesPrompt } from '../provider/lines-prompt.ts';
import type { RpcRun } from '../rpc/run.ts';
import type { ProjectSettings, ToolPolicy } from '../contracts/prompt-event.ts';

/** What goes into the slots of a manifest's command line. The prompt itself never does: it goes to stdin. */
export interface ArgvValues {
  readonly tools: ToolPolicy;
  /** Default: `ignore`. */
  readonly projectSettings?: ProjectSettings | undefined;
  readonly model?: string | undefined;
  /** The CLI's own id of the conversation to go on with. Chooses `resumeArgv`. */
  readonly session?: string | undefined;
}

/**
 * The arguments of one headless run, without the executable. A value that starts with a dash is refused:
 * most CLIs would take it for one of their options (CWE-88), and `--last` as a session would resume another
 * conversation.
 */
export function buildArgv(prompt: HeadlessPrompt, values: ArgvValues): string[] {
  const project = prompt.projectSettings?.[values.projectSettings ?? 'ignore'] ?? [];
  if (prompt.drive === 'json-rpc') return prompt.argv.flatMap((part) => (typeof part === 'string' ? [part] : project));
  return templateFor(prompt, values).flatMap((part) => {
    if (typeof part === 'string') return [part];
    if (part.slot === 'tools') return prompt.tools[values.tools];
    if (part.slot === 'projectSettings') return project;
    const value = values[part.slot];
    if (value === undefined) return [];
    requireHarmless(part.slot, value);
    return part.flag === undefined ? [value] : [part.flag, value];
  });
}

function templateFor(prompt: LinesPrompt | JsonLinesPrompt, values: ArgvValues): LinesPrompt['argv'] {
  if (values.session === undefined) return prompt.argv;
  if (prompt.resumeArgv) return prompt.resumeArgv;
  throw cannotResume();
}

/** What to tell a CLI that speaks JSON-RPC; `undefined` for any other. */
export function buildRpcRun(prompt: HeadlessPrompt, values: ArgvValues): RpcRun | undefined {
  if (prompt.drive !== 'json-rpc') return undefined;
  const { model, session, tools } = values;
  const steps = session === undefined ? prompt.steps : prompt.resumeSteps;
  if (!steps) throw cannotResume();
  if (model !== undefined) requireHarmless('model', model);
  if (session !== undefined) requireHarmless('session', session);
  const given = { ...(model !== undefined && { model }), ...(session !== undefined && { session }) };
  return { steps, over: prompt.over, values: { ...given, tools: prompt.tools[tools] } };
}

function cannotResume(): SallyportError {
  return new SallyportError('REQUEST_INVALID', 'This CLI cannot go on with an earlier conversation.', {
    hint: 'Leave conversationId out to start a new conversation.',
  });
}

const names = { model: 'model', session: 'conversationId' } as const;

function requireHarmless(slot: keyof typeof names, value: string): void {
  if (/^[^-\0][^\0]{0,499}$/.test(value)) return;
  throw new SallyportError(
    'REQUEST_INVALID',
    `The ${names[slot]} must have 1 to 500 characters and must not start with a dash.`,
  );
}
