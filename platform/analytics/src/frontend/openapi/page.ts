import { COMMON_ERRORS, type Parameter, type RouteDescription } from '../route.ts';

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark }
h2 { margin-top: 2.5rem; font-family: ui-monospace, monospace; font-size: 1.1rem; border-bottom: 1px solid #8886 }
table { border-collapse: collapse } td { padding: .15rem 1rem .15rem 0; vertical-align: top }
pre { overflow: auto; padding: .75rem; background: #8882 } code { font-family: ui-monospace, monospace }`;

/** The interface as a page for a person, without scripts and from the same routes as the OpenAPI document. */
export function docsPage(routes: readonly RouteDescription[]): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Millrace analytics: HTTP interface</title><style>${STYLE}</style>
<h1>Millrace analytics</h1>
<p>User tags in, user profiles and one-minute aggregates out. For programs: <a href="/openapi.json">openapi.json</a>.</p>
<ul>${routes.map((route) => `<li><a href="#${anchor(route)}"><code>${title(route)}</code></a> ${escape(route.summary)}</li>`).join('')}</ul>
${routes.map(section).join('\n')}
</html>`;
}

function section(route: RouteDescription): string {
  return `<h2 id="${anchor(route)}">${title(route)}</h2>
<p>${escape(route.summary)}. ${escape(route.description ?? '')}</p>
${table('Parameters', (route.parameters ?? []).map(parameterRow))}
${bodies(route)}
${table(
  'Answers',
  Object.entries({ ...route.answers, ...COMMON_ERRORS }).map(([status, { description }]) => [status, description]),
)}`;
}

function bodies({ body }: RouteDescription): string {
  const parts = Object.entries(body?.content ?? {}).map(
    ([type, schema]) =>
      `<details><summary>Body: <code>${type}</code></summary><pre>${escape(JSON.stringify(schema, null, 2))}</pre></details>`,
  );
  return parts.join('');
}

const parameterRow = ({ name, in: place, required = false, description }: Parameter): readonly string[] => [
  name,
  `${place}${required ? ', required' : ''}`,
  description,
];

function table(caption: string, rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const lines = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${escape(cell)}</td>`).join('')}</tr>`);
  return `<h3>${caption}</h3><table>${lines.join('')}</table>`;
}

const title = ({ methods, path }: RouteDescription): string =>
  escape(`${methods.join(', ')} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);

const anchor = ({ path }: RouteDescription): string => path.replaceAll(/\W+/g, '-');

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
