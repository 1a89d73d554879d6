// What a page about a device asks for in an application that uses Relay: only its operations matter here.
import { graphql } from 'relay-runtime';

export const page = graphql`
  query DevicePageQuery($codename: String!, $releases: Int = 10, $cursor: String) {
    device(codename: $codename) {
      name
      ...DevicePage_releases @arguments(count: $releases, cursor: $cursor)
      ...DevicePage_packages
      variants(region: [EEA, GLOBAL]) {
        ...DevicePage_variant
      }
    }
  }
`;

// Fetched again by the device's id, page by page.
export const releases = graphql`
  fragment DevicePage_releases on Device
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" }, filter: { type: "ReleaseFilter" })
  @refetchable(queryName: "DevicePageReleasesQuery") {
    releases(first: $count, after: $cursor, filter: $filter) @connection(key: "DevicePage_releases") {
      totalCount
      edges {
        node {
          version
          branch
          releasedOn
          changelog {
            sections {
              title
              entries
            }
          }
        }
      }
    }
  }
`;

// Both ways.
export const packages = graphql`
  fragment DevicePage_packages on Device
  @argumentDefinitions(
    first: { type: "Int", defaultValue: 20 }
    after: { type: "String" }
    last: { type: "Int" }
    before: { type: "String" }
    order: { type: "PackageOrder" }
  )
  @refetchable(queryName: "DevicePagePackagesQuery") {
    packages(first: $first, after: $after, last: $last, before: $before, orderBy: $order)
      @connection(key: "DevicePage_packages", filters: ["orderBy"]) {
      edges {
        node {
          ...DevicePage_package
        }
      }
    }
  }
`;

export const item = graphql`
  fragment DevicePage_package on Package {
    filename
    type
    size
    mirrors
    source {
      filename
    }
  }
`;

export const variant = graphql`
  fragment DevicePage_variant on Variant @refetchable(queryName: "DevicePageVariantQuery") {
    codename
    region
    latestPackages(by: VERSION) {
      ...DevicePage_package
    }
  }
`;
