import type { LoginMethod } from '../provider/login-method.ts';

/**
 * The link that a CLI printed, with its own listener as `redirect_uri` in place of the page that shows a code. Only the
 * one value changes, and as text, so that the guard still judges what the CLI wrote. A link without that exact value,
 * or with two, stays as it is.
 *
 * @param port Where the CLI listens; `undefined` while that is not known.
 */
export function leadToListener(link: string, callback: LoginMethod['callback'], port: number | undefined): string {
  if (callback?.printed === undefined || port === undefined) return link;
  const { uri, host } = callback.printed;
  const parts = link.split(/(?<=[?&])/);
  const printed = `redirect_uri=${encodeURIComponent(uri)}`;
  const places = parts.flatMap((part, index) => (part.replace(/&$/, '') === printed ? [index] : []));
  const [place] = places;
  if (place === undefined || places.length > 1) return link;
  const own = `redirect_uri=${encodeURIComponent(`http://${host}:${port}${callback.path}`)}`;
  return parts.map((part, index) => (index === place ? part.replace(printed, own) : part)).join('');
}
