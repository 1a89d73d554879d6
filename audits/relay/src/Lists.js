// Lists of the root, and anything by its id.
import { graphql } from 'relay-runtime';

export const packages = graphql`
  query ListsQuery($filter: PackageFilter) {
    ...Lists_packages @arguments(filter: $filter)
    ...Lists_devices
    ...Lists_newest
    ...Lists_changes
  }
`;

export const found = graphql`
  fragment Lists_packages on Query
  @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" }, filter: { type: "PackageFilter" })
  @refetchable(queryName: "ListsPackagesQuery") {
    packages(first: $count, after: $cursor, filter: $filter) @connection(key: "Lists_packages") {
      totalCount
      facets {
        region {
          value
          count
        }
      }
      edges {
        node {
          ...DevicePage_package
        }
      }
    }
  }
`;

export const devices = graphql`
  fragment Lists_devices on Query
  @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" })
  @refetchable(queryName: "ListsDevicesQuery") {
    devices(first: $count, after: $cursor) @connection(key: "Lists_devices") {
      edges {
        node {
          codename
          names
        }
      }
    }
  }
`;

export const newest = graphql`
  fragment Lists_newest on Query
  @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" })
  @refetchable(queryName: "ListsNewestQuery") {
    latestPackages(first: $count, after: $cursor, filter: { type: FASTBOOT }) @connection(key: "Lists_latestPackages") {
      edges {
        node {
          ...DevicePage_package
        }
      }
    }
  }
`;

export const changes = graphql`
  fragment Lists_changes on Query
  @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" })
  @refetchable(queryName: "ListsChangesQuery") {
    changes(first: $count, after: $cursor) @connection(key: "Lists_changes") {
      edges {
        node {
          kind
          at
          subject {
            __typename
            ... on Release {
              version
            }
            ... on Package {
              ...DevicePage_package @alias(as: "package")
            }
          }
        }
      }
    }
  }
`;

export const anything = graphql`
  query ListsNodeQuery($id: ID!, $text: String!) {
    node(id: $id) {
      __typename
      ...DevicePage_variant @alias(as: "variant")
      ... on Release {
        previous {
          version
        }
        next {
          version
        }
      }
    }
    search(query: $text, first: 5) {
      edges {
        score
        node {
          __typename
          ... on Device {
            codename
          }
        }
      }
    }
  }
`;
