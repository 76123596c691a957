import type { ArgumentsOf, FunctionName } from '../sql/database.ts';

/** The statement that calls a function: its only row has `result.value`, in the same JSON as PostgREST gives. */
export function functionCall<Name extends FunctionName>(
  name: Name,
  args: ArgumentsOf<Name>,
): { readonly text: string; readonly values: unknown[] } {
  const given = Object.entries(args);
  const names = given.map(([argument], place) => `${argument} => $${place + 1}`);
  const text = `select to_json(called) as result from (select sallyport.${name}(${names.join(', ')}) as value) as called`;
  return { text, values: given.map(([, value]) => value) };
}
