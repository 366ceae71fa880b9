import { COMMON_ERRORS, type Answer, type Parameter, type RouteDescription } from '../route.ts';
import { ErrorSchema } from '../schemas.ts';

/** The interface as an OpenAPI 3.1 document, made from the routes and the schemas that the checks use. */
export function openApiDocument(routes: readonly RouteDescription[]): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Millrace analytics',
      version: '1',
      description: 'User tags in, user profiles and one-minute aggregates out. Every error is JSON with a stable code.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    paths: pathsOf(routes),
    components: { schemas: { Error: ErrorSchema } },
  };
}

function pathsOf(routes: readonly RouteDescription[]): Record<string, object> {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const item = (paths[route.path.replaceAll(/:(\w+)/g, '{$1}')] ??= {});
    for (const method of route.methods) item[method.toLowerCase()] = operation(route, method);
  }
  return paths;
}

function operation(route: RouteDescription, method: string): object {
  const answers: Readonly<Record<number, Answer>> = { ...COMMON_ERRORS, ...route.answers };
  return {
    summary: route.summary,
    ...(route.description !== undefined && { description: route.description }),
    operationId: `${method.toLowerCase()}${route.path.replaceAll(/[/:_-]+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`,
    parameters: (route.parameters ?? []).map(parameter),
    ...(route.body !== undefined && { requestBody: content(route.body) }),
    responses: Object.fromEntries(
      Object.entries(answers).map(([status, answer]) => [status, response(status, answer)]),
    ),
  };
}

function parameter({ repeated = false, schema, ...rest }: Parameter): object {
  return repeated ? { ...rest, schema: { type: 'array', items: schema }, explode: true } : { ...rest, schema };
}

const content = ({ required, content }: NonNullable<RouteDescription['body']>): object => ({
  required,
  content: Object.fromEntries(Object.entries(content).map(([type, schema]) => [type, { schema }])),
});

function response(status: string, { description, schema, mediaType = 'application/json' }: Answer): object {
  const body = Number(status) >= 400 ? { $ref: '#/components/schemas/Error' } : schema;
  return body === undefined ? { description } : { description, content: { [mediaType]: { schema: body } } };
}
