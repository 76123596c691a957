import type { JsonLinesPrompt } from '@sallyport/core/provider';

/** Tools that leave something in the process which goes on, or starts by itself, when the answer is complete. */
const LASTING_TOOLS = ['CronCreate', 'EnterWorktree', 'Monitor', 'RemoteTrigger', 'ScheduleWakeup', 'Workflow'];

/** A new process takes a second until it can ask Anthropic anything, and one that waits less than a tenth of that. */
export const resident: JsonLinesPrompt['resident'] = {
  conversation: '/session_id',
  ends: [
    { at: '/is_error', equals: true },
    // Shells and agents that it runs in the background.
    { at: '/subtype', equals: 'background_tasks_changed' },
    ...LASTING_TOOLS.map((name) => ({ at: '/message/content/*/name', equals: name })),
  ],
  idleMs: 10 * 60_000,
  maxPrompts: 50,
  // It has 190 to 230 MiB after its first prompts.
  maxMemoryMb: 320,
};
