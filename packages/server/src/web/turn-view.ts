import type { PromptEvent } from '@sallyport/core';

import { h } from './dom.ts';
import { problemView } from './problem-view.ts';

export interface TurnView {
  readonly element: HTMLElement;
  show(event: PromptEvent): void;
  fail(message: string, hint: string): void;
}

/** One question and its answer as it arrives. */
export function createTurnView(prompt: string): TurnView {
  const state = h('p', { class: 'turn-state', role: 'status' }, 'Sending…');
  const answer = h('div', { class: 'answer', 'aria-live': 'polite', 'aria-busy': 'true' });
  const element = h('article', { class: 'turn' }, h('div', { class: 'question' }, prompt), answer, state);
  const tools = new Map<string, HTMLDetailsElement>();
  let text: Text | undefined;
  let thoughts: Text | undefined;

  const end = (): void => {
    answer.setAttribute('aria-busy', 'false');
    state.hidden = true;
  };
  const add = (child: HTMLElement): void => {
    text = undefined;
    thoughts = undefined;
    answer.append(child);
  };
  const fail = (message: string, hint: string): void => {
    end();
    add(problemView({ title: 'No answer', message, hint }));
  };

  const show = (event: PromptEvent): void => {
    switch (event.type) {
      case 'machine':
        state.textContent = event.message;
        break;
      case 'text':
        if (!text) {
          const paragraph = h('div', { class: 'text' });
          add(paragraph);
          text = paragraph.appendChild(document.createTextNode(''));
        }
        text.appendData(event.text);
        state.textContent = 'Answering…';
        break;
      case 'reasoning':
        if (!thoughts) {
          const block = h('pre');
          add(h('details', { class: 'tool' }, h('summary', {}, 'Thinking'), block));
          thoughts = block.appendChild(document.createTextNode(''));
        }
        thoughts.appendData(event.text);
        break;
      case 'tool-start': {
        const details = h('details', { class: 'tool', 'data-state': 'running' }, h('summary', {}, event.name));
        if (event.input) details.append(h('pre', { 'aria-label': 'Input' }, event.input));
        tools.set(event.toolId, details);
        add(details);
        break;
      }
      case 'tool-end': {
        const details = tools.get(event.toolId);
        details?.setAttribute('data-state', event.ok ? 'ok' : 'failed');
        if (event.output) details?.append(h('pre', { 'aria-label': 'Output' }, event.output));
        break;
      }
      case 'notice':
        add(h('p', { class: 'small' }, event.message));
        break;
      case 'usage':
        add(h('p', { class: 'small' }, `${event.inputTokens} tokens in, ${event.outputTokens} out`));
        break;
      case 'prompt-end':
        end();
        if (event.outcome === 'cancelled') add(h('p', { class: 'small' }, 'Stopped.'));
        else if (event.outcome === 'relogin-needed')
          fail(event.message ?? 'The login is no longer accepted.', event.hint ?? 'Log in again above.');
        else if (event.outcome === 'failed') fail(event.message ?? 'The CLI failed.', event.hint ?? 'Try again.');
        break;
      default:
        break;
    }
  };
  return { element, show, fail };
}
