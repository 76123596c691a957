import { button, h } from './dom.ts';

/** Asks for text to type into the sign-in page: where the browser does not let us read the clipboard. */
export function askForText(parent: Node, onText: (text: string) => void): void {
  const field = h('textarea', { rows: 3, id: 'text-to-type', autocomplete: 'off', spellcheck: 'false' });
  const close = (): void => dialog.close();
  const form = h(
    'form',
    { method: 'dialog', on: { submit: () => onText(field.value) } },
    h('label', { for: 'text-to-type' }, 'Paste the text to type into the sign-in page'),
    field,
    h('div', { class: 'row end' }, button('Cancel', close), h('button', { class: 'primary' }, 'Type this text')),
  );
  const dialog = h('dialog', { on: { close: () => dialog.remove() } }, form);
  parent.appendChild(dialog);
  dialog.showModal();
  field.focus();
}
