import { z } from 'zod';

import { plainAnswer, scriptedCommand } from '../../fake-vendor/model/script.ts';

/** What the fake model does next, decided from the request alone. */
export type ModelTurn =
  | { readonly kind: 'text'; readonly text: string; readonly wordDelayMs?: number }
  | { readonly kind: 'command'; readonly tool: ShellTool; readonly command: string }
  | { readonly kind: 'refuse'; readonly problem: string };

/**
 * How the CLI lets a model run a shell command. Codex 0.169 declares a free-form tool `exec` that takes
 * JavaScript and reaches the shell as `tools.exec_command`; for older models it declares `exec_command` itself.
 */
export type ShellTool = { readonly type: 'custom' } | { readonly type: 'function' };

const itemSchema = z.looseObject({
  type: z.string(),
  role: z.string().optional(),
  content: z.unknown().optional(),
  output: z.unknown().optional(),
  tools: z.unknown().optional(),
});

export const responsesRequestSchema = z.looseObject({
  model: z.string(),
  input: z.array(itemSchema).min(1),
  tools: z.unknown().optional(),
  stream: z.literal(true),
});

export type ResponsesRequest = z.infer<typeof responsesRequestSchema>;

/** Decides by the script that all fake models follow. `[[recall]]` is answered with all that the user said in this conversation. */
export function planTurn(request: ResponsesRequest): ModelTurn {
  const last = request.input.findLastIndex((item) => item.role === 'user' && !isContext(textOf(item.content)));
  const prompt = textOf(request.input[last]?.content).trim();
  const outputs = request.input.slice(last + 1).filter((item) => item.type.endsWith('_call_output'));
  if (prompt.includes('[[recall]]')) {
    const said = request.input.filter((item) => item.role === 'user').map(({ content }) => textOf(content).trim());
    return { kind: 'text', text: `You have said: ${said.filter((text) => !isContext(text)).join(' ')}` };
  }
  const wanted = scriptedCommand(prompt);
  if (wanted) {
    if (outputs.length > 0) return { kind: 'text', text: wanted.report(outputs.map(commandOutput).join('\n')) };
    const tool = findShellTool(request);
    if (!tool) return { kind: 'refuse', problem: 'The request declares no tool that runs shell commands.' };
    return { kind: 'command', tool, command: wanted.command };
  }
  return { kind: 'text', ...plainAnswer(prompt) };
}

/** The CLI puts facts about the machine into messages of role `user`, wrapped in a tag. */
function isContext(text: string): boolean {
  return /^\s*<(environment_context|user_instructions|permissions)/.test(text);
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part: unknown) => z.looseObject({ text: z.string() }).safeParse(part).data?.text ?? '').join('');
}

/** What the command printed. The CLI puts a few lines about how it went in front, which end with `Output:`. */
function commandOutput(item: z.infer<typeof itemSchema>): string {
  return textOf(item.output)
    .replace(/^Script [^\n]*\n(?:[^\n]*\n)??Output:\n/, '')
    .trim();
}

function findShellTool(request: ResponsesRequest): ShellTool | undefined {
  const declared = [request.tools, ...request.input.map((item) => item.tools)].flatMap(flattenTools);
  if (declared.some((tool) => tool.type === 'custom' && tool.name === 'exec')) return { type: 'custom' };
  if (declared.some((tool) => tool.type === 'function' && tool.name === 'exec_command')) return { type: 'function' };
  return undefined;
}

const toolSchema = z.looseObject({ type: z.string(), name: z.string().optional(), tools: z.unknown().optional() });

function flattenTools(tools: unknown): z.infer<typeof toolSchema>[] {
  const parsed = z.array(toolSchema).safeParse(tools);
  return (parsed.data ?? []).flatMap((tool) => [tool, ...flattenTools(tool.tools)]);
}
