/** The element that index.html has for this selector. */
export function find<Kind extends HTMLElement>(place: ParentNode, selector: string, kind: new () => Kind): Kind {
  const found = place.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`index.html has no ${kind.name} for ${selector}.`);
  return found;
}

/** The text that was entered into a field. */
export function textOf(form: HTMLFormElement, name: string): string {
  const value = new FormData(form).get(name);
  return typeof value === 'string' ? value : '';
}
