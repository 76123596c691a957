import { fillTemplate, hasLineValue, parseLine, valueAt } from '@sallyport/core/engine';
import type { ExecuteEvent, MessageRun } from '@sallyport/core/protocol';

import type { Line } from '../lines/line-splitter.ts';
import type { Talk } from './talk.ts';

/** A talk with a CLI that takes the prompt as a line of JSON. */
export interface MessageTalk extends Talk {
  /** The conversation that the lines named; `undefined` where they named none, or several. */
  readonly conversation: string | undefined;
}

export interface MessageTalkOptions {
  readonly run: MessageRun;
  readonly prompt: string;
  readonly write: (line: string) => void;
  /** The prompt is about to be written. */
  readonly onPrompt: () => void;
  /** The CLI prints its first line. Called once. */
  readonly onFirstLine: () => void;
  /** The answer is complete. Called once. */
  readonly onOver: () => void;
}

/** Begins at once. */
export function startMessageTalk(options: MessageTalkOptions): MessageTalk {
  const { run, prompt, write, onPrompt, onFirstLine, onOver } = options;
  const { message, over, resident } = run;
  const named = new Set<string>();
  let isOver = false;
  let mustEnd = !resident;
  let hasSpoken = false;

  onPrompt();
  write(`${JSON.stringify(fillTemplate(message, () => prompt))}\n`);

  return {
    receiveMessage: ({ text }: Line): ExecuteEvent => {
      if (!hasSpoken) onFirstLine();
      hasSpoken = true;
      const line = parseLine(text);
      if (resident) {
        const conversation = valueAt(line, resident.conversation);
        if (typeof conversation === 'string') named.add(conversation);
        mustEnd ||= hasLineValue(resident.ends, line);
      }
      if (!isOver && hasLineValue(over, line)) {
        isOver = true;
        onOver();
      }
      return { type: 'stdout', line: text };
    },
    overdue: () => undefined,
    // It answers nothing before it has read the message.
    get hasToldPrompt() {
      return hasSpoken;
    },
    get isOver() {
      return isOver;
    },
    get isSettled() {
      return isOver && !mustEnd && named.size === 1;
    },
    get conversation() {
      const [conversation, ...others] = named;
      return others.length === 0 ? conversation : undefined;
    },
    replies: {},
  };
}
