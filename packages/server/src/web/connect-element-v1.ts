/** `/connect-element/v1.js`: attributes and events change incompatibly only under another number. */
export { SallyportConnect } from './connect-element.ts';
