// The operations that a first visit finds in the tabs.

const seedRelease = `# One build of one device: both of its variants, with every file.
query Release {
  releases(filter: { device: "santoni", version: "7.12.28" }) {
    totalCount
    nodes {
      variant {
        codename
        region
      }
      version
      branch
      releasedOn
      packages {
        nodes {
          type
          filename
          size
          md5
          downloadUrl
        }
      }
    }
  }
}
`;

const filtered = `# Packages by branch, region and type, newest first. A list means "any of these".
query Packages($filter: PackageFilter, $after: String) {
  packages(filter: $filter, first: 10, after: $after) {
    totalCount
    facets {
      branch {
        value
        count
      }
      region {
        value
        count
      }
    }
    nodes {
      device {
        codename
        name
      }
      region
      release {
        version
        branch
      }
      filename
      releasedOn
    }
    pageInfo {
      endCursor
      hasNextPage
    }
  }
}
`;

const filteredVariables = `{
  "filter": {
    "branch": "STABLE",
    "region": ["GLOBAL", "EEA"],
    "type": "FASTBOOT"
  }
}
`;

const newestFastboot = `# The newest fastboot package of every variant and branch of a device.
query NewestFastboot {
  device(codename: "alioth") {
    name
    latestPackages(filter: { type: FASTBOOT }) {
      region
      release {
        version
        branch
      }
      filename
      size
      releasedOn
      downloadUrl
    }
  }
}
`;

const variants = `# A device, how it is sold, and what it is built for.
query Variants {
  device(codename: "alioth") {
    codename
    names
    branches
    firstReleasedOn
    lastReleasedOn
    variants {
      codename
      region
      name
      romCode
    }
    siblings {
      codename
      name
    }
  }
}
`;

const news = `# What changes, as it happens: run it and leave it open. With the cursor of a change as "after" it first tells what came since.
subscription News($filter: ChangeFilter, $after: String) {
  changes(filter: $filter, after: $after) {
    cursor
    node {
      kind
      at
      subject {
        ... on Release {
          version
          branch
          variant {
            codename
            name
          }
        }
        ... on Package {
          type
          filename
          downloadUrl
        }
      }
    }
  }
}
`;

const newsVariables = `{
  "filter": {
    "kind": ["RELEASE_ADDED", "RELEASE_PROMOTED"]
  }
}
`;

export const examples = [
  { query: seedRelease },
  { query: filtered, variables: filteredVariables },
  { query: newestFastboot },
  { query: variants },
  { query: news, variables: newsVariables },
];
