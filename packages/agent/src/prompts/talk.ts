import type { RpcConnection } from '@sallyport/core/engine';
import type { ExecuteEvent } from '@sallyport/core/protocol';

import type { Line } from '../lines/line-splitter.ts';

/** Tells a CLI one prompt, and hears what it answers. */
export interface Talk {
  /** Takes a line of the CLI's output; says what to tell the receiver of the run, if anything. */
  receiveMessage(line: Line): ExecuteEvent | undefined;
  /** The method of a request that was not answered in its time. */
  overdue(): string | undefined;
  /** The CLI has been told the prompt. */
  readonly hasToldPrompt: boolean;
  /** The answer is complete, or there will be none. */
  readonly isOver: boolean;
  /** The answer is complete, nothing failed, and nothing else is to come: the process could take another prompt. */
  readonly isSettled: boolean;
  /** The replies to requests so far, by the ids of the steps. */
  readonly replies: RpcConnection['replies'];
}
