import type { JsonRecord, PromptEvent } from '@sallyport/core/provider';

import { toolItem } from './tool-item.ts';

/** What has been seen of one run of Codex so far, whichever way it was started. */
export interface OutputState {
  /** Tools that started and have not ended: id → name. */
  readonly openTools: Readonly<Record<string, string>>;
  readonly messages: number;
  /** Items of which pieces were shown: id → characters. */
  readonly shown: Readonly<Record<string, number>>;
  /** Why the run will have failed, unless it ends well. */
  readonly lastError: string | undefined;
  /** How the turn ended; its word counts whatever the exit code says. */
  readonly turn: 'completed' | 'failed' | undefined;
  /** Present where Codex speaks JSON-RPC. Others than `thread` are of its agents. */
  readonly rpc: { readonly thread: string | undefined; readonly turnId: string | undefined } | undefined;
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number } | undefined;
  readonly reloginNeeded: boolean;
  readonly lastStderr: string | undefined;
  readonly ended: boolean;
}

export interface OutputStep {
  readonly state: OutputState;
  readonly events: readonly PromptEvent[];
}

export const initialState: OutputState = {
  openTools: {},
  messages: 0,
  shown: {},
  lastError: undefined,
  turn: undefined,
  rpc: undefined,
  usage: undefined,
  reloginNeeded: false,
  lastStderr: undefined,
  ended: false,
};

/** Pieces are concatenated as they are, so a second message has to bring its own paragraph break. */
export function beginMessage(state: OutputState, text: string): OutputStep {
  const separated = state.messages === 0 ? text : `\n\n${text}`;
  return { state: { ...state, messages: state.messages + 1 }, events: [{ type: 'text', text: separated }] };
}

export function toolStarted(state: OutputState, item: JsonRecord, kind: string): OutputStep {
  const { id: toolId, name, input } = toolItem(item, kind);
  return {
    state: { ...state, openTools: { ...state.openTools, [toolId]: name } },
    events: [{ type: 'tool-start', toolId, name, input }],
  };
}

export function toolCompleted(state: OutputState, item: JsonRecord, kind: string): OutputStep {
  const { id: toolId, name, input, output, ok } = toolItem(item, kind);
  const { [toolId]: started, ...openTools } = state.openTools;
  const start: PromptEvent[] = started === undefined ? [{ type: 'tool-start', toolId, name, input }] : [];
  return { state: { ...state, openTools }, events: [...start, { type: 'tool-end', toolId, name, output, ok }] };
}
