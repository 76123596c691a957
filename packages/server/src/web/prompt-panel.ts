import type { ExpectedPrompt, Prompt } from '@sallyport/client';

import { toProblem } from './api.ts';
import type { Api, Provider } from './api.ts';
import { button, h } from './dom.ts';
import { createTurnView } from './turn-view.ts';

export interface PromptPanel {
  readonly element: HTMLElement;
  /** Which providers can be asked. */
  setProviders(providers: readonly Provider[]): void;
}

interface RunningPrompt {
  readonly promptId: string;
  readonly provider: string;
  readonly prompt: string;
}

/** The prompt that runs survives a reload under this name. */
const STORAGE_KEY = 'sallyport.prompt';

const toolPolicies = [
  ['read-only', 'Only look'],
  ['workspace', 'Work in its directory'],
  ['full', 'Do anything in its machine'],
] as const;

/** A conversation with a connected CLI. */
export function createPromptPanel(api: Api, onEnd: (outcome: string) => void): PromptPanel {
  let conversation: { readonly provider: string; readonly id: string } | undefined;
  let running: { promptId: string; readonly abort: AbortController } | undefined;

  const turns = h('div', { class: 'turns' });
  const field = h('textarea', { id: 'prompt', rows: 3, required: true, placeholder: 'What should it do?' });
  const provider = h('select', { 'aria-label': 'Ask' });
  const policies = toolPolicies.map(([value, label]) => h('option', { value, selected: value === 'workspace' }, label));
  const tools = h('select', { id: 'tools' }, ...policies);
  const send = h('button', { class: 'primary' }, 'Send');
  const stop = button('Stop', () => void cancel(), { hidden: true });
  const fresh = button('New conversation', startOver, { class: 'quiet', hidden: true });
  const form = h(
    'form',
    { class: 'composer' },
    h('label', { for: 'prompt' }, 'Prompt'),
    field,
    h(
      'div',
      { class: 'row' },
      provider,
      h('label', { for: 'tools', class: 'inline' }, 'It may'),
      tools,
      h('span', { class: 'grow' }),
      fresh,
      h('span', { class: 'small keys' }, 'Ctrl+Enter'),
      stop,
      send,
    ),
  );
  const element = h('section', { class: 'prompt-panel', hidden: true, 'aria-label': 'Conversation' }, turns, form);

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    submit();
  });
  field.addEventListener('focus', prepare);
  for (const choice of [provider, tools]) choice.addEventListener('change', prepare);
  field.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    submit();
  });

  function submit(): void {
    const prompt = field.value.trim();
    if (running || prompt === '') return;
    field.value = '';
    void run(prompt, provider.value, { ...expected(), prompt });
  }

  /** What is known of the next prompt. */
  function expected(): ExpectedPrompt {
    const isSame = conversation?.provider === provider.value;
    const policy = toolPolicies.find(([value]) => value === tools.value);
    return {
      provider: provider.value,
      ...(policy && { tools: policy[0] }),
      ...(conversation && isSame && { conversationId: conversation.id }),
    };
  }

  /** While the user writes, their machine wakes and the CLI starts. */
  function prepare(): void {
    if (!running && provider.value !== '') void api.preparePrompt(expected()).catch(() => undefined);
  }

  async function run(prompt: string, providerId: string, source: Prompt | string): Promise<void> {
    const turn = createTurnView(prompt);
    const mine = { promptId: '', abort: new AbortController() };
    running = mine;
    turns.append(turn.element);
    turn.element.scrollIntoView({ block: 'nearest' });
    render();
    try {
      for await (const event of api.followPrompt(source, mine.abort.signal)) {
        const follows = isAtEnd();
        turn.show(event);
        if (follows) scrollTo({ top: document.documentElement.scrollHeight });
        if (event.type === 'prompt-start') {
          mine.promptId = event.promptId;
          remember({ promptId: event.promptId, provider: providerId, prompt });
        }
        if (event.type === 'conversation') conversation = { provider: providerId, id: event.conversationId };
        if (event.type === 'prompt-end') onEnd(event.outcome);
      }
    } catch (error) {
      const { hint, message } = toProblem(error);
      if (!mine.abort.signal.aborted) turn.fail(message, hint);
    }
    sessionStorage.removeItem(STORAGE_KEY);
    if (running === mine) running = undefined;
    render();
    if (document.activeElement === document.body) field.focus();
  }

  async function cancel(): Promise<void> {
    if (!running) return;
    const { abort, promptId } = running;
    stop.disabled = true;
    // The end arrives on the stream. Before the prompt has an id, hanging up is all there is.
    if (promptId === '') abort.abort();
    else await api.cancelPrompt(promptId).catch(() => abort.abort());
    stop.disabled = false;
  }

  function startOver(): void {
    conversation = undefined;
    turns.replaceChildren();
    render();
    field.focus();
  }

  function render(): void {
    send.hidden = running !== undefined;
    stop.hidden = running === undefined;
    fresh.hidden = running !== undefined || turns.childElementCount === 0;
    send.textContent = conversation?.provider === provider.value ? 'Continue' : 'Send';
  }

  const remembered = recall();
  if (remembered) {
    element.hidden = false;
    void run(remembered.prompt, remembered.provider, remembered.promptId);
  }

  return {
    element,
    setProviders: (providers) => {
      const chosen = provider.value;
      provider.replaceChildren(
        ...providers.map(({ id, title }) => h('option', { value: id, selected: id === chosen }, title)),
      );
      provider.hidden = providers.length < 2;
      element.hidden = providers.length === 0 && turns.childElementCount === 0;
      form.hidden = providers.length === 0;
      render();
    },
  };
}

function isAtEnd(): boolean {
  return innerHeight + scrollY > document.documentElement.scrollHeight - 80;
}

function remember(prompt: RunningPrompt): void {
  sessionStorage.setItem(STORAGE_KEY, JSON.stringify(prompt));
}

function recall(): RunningPrompt | undefined {
  const stored = sessionStorage.getItem(STORAGE_KEY);
  return stored === null ? undefined : JSON.parse(stored);
}
