import type { PromptPlan } from '../hooks/arguments.ts';
import type { StartPrompt } from './start-prompt.ts';

const DEFAULT_PLAN: PromptPlan = {
  model: undefined,
  tools: 'workspace',
  projectSettings: 'ignore',
  workingDirectory: '~/work',
  timeoutMs: 30 * 60_000,
  maxOutputBytes: 64 * 1024 * 1024,
};

/** What a request asks for, before any tap and any ceiling. */
export function askedPlan(request: Pick<StartPrompt, 'model' | 'tools' | 'projectSettings'>): PromptPlan {
  const { model, tools = DEFAULT_PLAN.tools, projectSettings = DEFAULT_PLAN.projectSettings } = request;
  return { ...DEFAULT_PLAN, model, tools, projectSettings };
}
