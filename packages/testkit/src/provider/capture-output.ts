/** Runs something and keeps all that it prints: a provider is pure, so what it prints went to a log by mistake. */
export async function captureOutput<Result>(
  action: () => Result | Promise<Result>,
): Promise<{ readonly result: Result; readonly printed: readonly string[] }> {
  const printed: string[] = [];
  const keep = (...values: readonly unknown[]): void => void printed.push(...values.map(String));
  const restore = [
    ...(['log', 'info', 'warn', 'error', 'debug'] as const).map((name) => replace(console, name, keep)),
    ...[process.stdout, process.stderr].map((stream) =>
      replace(stream, 'write', (text: unknown) => {
        keep(text);
        return true;
      }),
    ),
  ];
  try {
    return { result: await action(), printed };
  } finally {
    for (const undo of restore) undo();
  }
}

function replace<Holder extends object, Name extends keyof Holder>(
  holder: Holder,
  name: Name,
  value: Holder[Name],
): () => void {
  const original = holder[name];
  holder[name] = value;
  return () => {
    holder[name] = original;
  };
}
