import { posix } from "node:path";

/** One source file as the rules see it. */
export interface SourceFile {
  /** From the repository's root, with forward slashes. */
  path: string;
  text: string;
  /** Packages and builtins by name, own files as paths from the root; those of types, too. */
  imports: string[];
}

const STATIC_IMPORT = /^(?:import|export)\b[^;"'`]*?\bfrom\s+["']([^"']+)["']/gm;

/** Reads the imports of a TypeScript source by Bun's own scanner, and beside it those of types, which that leaves out. */
export function sourceFile(path: string, text: string): SourceFile {
  const transpiler = new Bun.Transpiler({
    loader: "ts",
    tsconfig: '{"compilerOptions":{"verbatimModuleSyntax":true}}',
  });
  const specifiers = [
    ...transpiler.scanImports(text).map((found) => found.path),
    ...[...text.matchAll(STATIC_IMPORT)].map((found) => found[1]!),
  ];
  const imports = specifiers.map((specifier) =>
    specifier.startsWith(".") ? posix.normalize(posix.join(posix.dirname(path), specifier)) : specifier,
  );
  return { path, text, imports: [...new Set(imports)] };
}

/** Every TypeScript source of the product: what ships, not its tests. */
export async function productSources(root: string): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  for (const folder of ["src", "workers", "db"]) {
    for await (const path of new Bun.Glob(`${folder}/**/*.ts`).scan({ cwd: root })) {
      files.push(sourceFile(path, await Bun.file(`${root}/${path}`).text()));
    }
  }
  return files.sort((a, b) => a.path.localeCompare(b.path));
}

/** Tests, and what only tests use: fakes, programs that tests start, suites that several implementations share. */
export function isTestSource(path: string): boolean {
  return /\.(test|contract|fixture)\.ts$/.test(path) || /\/fakes?[.-]/.test(path);
}
