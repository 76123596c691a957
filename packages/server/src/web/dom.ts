type Listeners = { readonly [Name in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[Name]) => void };

export interface Properties {
  readonly [attribute: string]: string | number | boolean | Listeners | undefined;
  readonly on?: Listeners;
}

/** Makes an element. Text is text: nothing here ever parses HTML. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Properties = {},
  ...children: readonly (Node | string | undefined)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === 'object' || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? '' : `${value}`);
  }
  for (const [name, listener] of Object.entries(properties.on ?? {})) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- entries forget which listener has which name
    element.addEventListener(name, listener as EventListener);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

export function button(label: string, onClick: () => void, properties: Properties = {}): HTMLButtonElement {
  return h('button', { type: 'button', ...properties, on: { click: onClick } }, label);
}
