import { manifestSchema } from '@sallyport/core/provider';
import { z } from 'zod';

/** The part of JSON Schema that manifests use, with the messages of the rules that JSON Schema cannot say. */
export interface ManifestNode {
  readonly description?: string;
  readonly $ref?: string;
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, ManifestNode>>;
  readonly required?: readonly string[];
  readonly items?: ManifestNode;
  readonly additionalProperties?: ManifestNode | false;
  readonly propertyNames?: ManifestNode;
  readonly anyOf?: readonly ManifestNode[];
  readonly oneOf?: readonly ManifestNode[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly format?: string;
  /** What the schema answers to a value that breaks a rule, such as `must not contain . or .. as a part`. */
  readonly rules?: readonly string[];
}

export interface ManifestField {
  readonly path: string;
  readonly name: string;
  readonly required: boolean;
  readonly node: ManifestNode;
}

const { $defs = {}, ...root }: ManifestNode & { readonly $defs?: Readonly<Record<string, ManifestNode>> } = Object(
  z.toJSONSchema(manifestSchema, {
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      // Their messages are fixed texts, so they are asked without an issue.
      const {
        _zod: {
          def: { checks = [] },
        },
      } = zodSchema;
      const rules = checks.flatMap(({ _zod: { def } }) =>
        def.error ? [String(Reflect.apply(def.error, undefined, []))] : [],
      );
      if (rules.length > 0) jsonSchema['rules'] = rules;
    },
  }),
);

/** A whole manifest, as an author writes it. */
export const manifestNode: ManifestNode = root;

/** Types that occur in several places, by name. */
export const sharedNodes: Readonly<Record<string, ManifestNode>> = Object.fromEntries(
  Object.entries($defs).filter(([name]) => !name.startsWith('__')),
);

/** The name of the shared type that a node stands for. `Json`: any JSON value. */
export function sharedName({ $ref }: ManifestNode): string | undefined {
  const name = $ref?.replace('#/$defs/', '');
  return name?.startsWith('__') ? 'Json' : name;
}

export function fieldsOf({ properties = {}, required = [] }: ManifestNode, path: string): readonly ManifestField[] {
  return Object.entries(properties).map(([name, node]) => ({
    name,
    node,
    path: path === '' ? name : `${path}.${name}`,
    required: required.includes(name),
  }));
}

/** The shapes that a value can have; one where there is no choice. */
export function shapesOf(node: ManifestNode): readonly ManifestNode[] {
  const choice = node.oneOf ?? node.anyOf;
  return choice ? choice.flatMap(shapesOf) : [node];
}

/** What lies inside a node and has fields, with its path. Shared types are left out: they are described once. */
export function partsOf(
  node: ManifestNode,
  path: string,
): readonly { readonly path: string; readonly node: ManifestNode }[] {
  return shapesOf(node).flatMap((shape) => {
    if (shape.properties) return [{ path, node: shape }];
    if (shape.items) return partsOf(shape.items, `${path}[]`);
    return shape.additionalProperties ? partsOf(shape.additionalProperties, `${path}.*`) : [];
  });
}

/** Every field of a manifest and of its shared types, however deep. */
export function everyField(): readonly ManifestField[] {
  const below = (node: ManifestNode, path: string): readonly ManifestField[] =>
    partsOf(node, path).flatMap((part) =>
      fieldsOf(part.node, part.path).flatMap((field) => [field, ...below(field.node, field.path)]),
    );
  return [...below(manifestNode, ''), ...Object.entries(sharedNodes).flatMap(([name, node]) => below(node, name))];
}
