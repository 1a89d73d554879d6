// A program that uses the generated types as a client would; never run, only checked.
import type { HistoryQuery, HistoryQueryVariables, IdentifyQuery, PackageByMd5Query } from './build/typescript/operations.js';

export const variables: HistoryQueryVariables = { codename: 'alioth', os: ['HYPEROS'], first: 10 };

// @ts-expect-error: the codename is required
export const incomplete: HistoryQueryVariables = { first: 10 };

// @ts-expect-error: there is no such operating system
export const unknown: HistoryQueryVariables = { codename: 'alioth', os: ['WINDOWS'] };

export function history(answer: HistoryQuery): string[] {
  // @ts-expect-error: a device may be unknown
  void answer.device.name;
  return answer.device?.releases.nodes.map((release) => `${release.version} ${release.releasedOn ?? 'undated'}`) ?? [];
}

export function digest(answer: PackageByMd5Query): string | undefined {
  return answer.package?.filename;
}

export function found(answer: IdentifyQuery): string[] {
  return answer.search.edges.map(({ node }) => {
    switch (node.__typename) {
      case 'Package':
        return node.filename;
      default:
        return node.__typename;
    }
  });
}
