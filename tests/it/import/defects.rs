//! What the sources get wrong, a test each.

use entity::release;
use sea_orm::EntityTrait;
use tempfile::TempDir;

use super::{catalogue, import, places, rejections};
use crate::support::{
    database::{TestDatabase, on_every_database},
    site::{CARD, Card, firmware_entry, firmware_page, page, tree},
};

on_every_database!(
    a_card_belongs_to_its_own_device_not_to_the_page,
    an_incremental_belongs_to_the_variant_in_its_name,
    an_incremental_waits_for_its_release_and_is_then_placed,
    an_incremental_filed_as_recovery_is_an_incremental,
    copies_that_contradict_become_one_package,
    one_file_under_several_labels_is_one_variant_with_several_names,
    the_stronger_witness_of_the_region_wins,
    names_of_several_products_are_separate,
    error_page_sizes_and_unknown_dates_and_digests_are_unknown,
    firmware_regions_and_branches_are_the_same_as_everywhere,
    a_firmware_file_of_another_device_goes_to_that_device,
    an_unknown_region_is_rejected_and_never_guessed,
    a_board_name_gives_way_to_the_page_s_codename,
    a_pre_release_weekly_belongs_to_the_plain_variant,
    rom_codes_are_read_against_their_base,
    base_codenames_keep_everything_but_the_region,
    a_dev_version_is_public_beta_whatever_its_label,
    a_real_changelog_wins_over_boilerplate_and_names_the_patch,
    names_of_no_known_form_are_still_packages,
    the_tracker_s_files_are_taken_in,
);

/// Imports one tree of documents into an empty catalogue.
async fn given(database: &TestDatabase, documents: &[(&str, &str)]) {
    let folder = TempDir::new().unwrap();
    tree(folder.path(), documents);
    import(database.connection(), &[folder.path()]).await;
}

const PAGE: &str = "pages/miui/updates/x/1.md";

async fn given_cards(database: &TestDatabase, short: &str, cards: &[Card]) {
    given(database, &[(PAGE, &page("miui", short, "1", cards))]).await;
}

async fn a_card_belongs_to_its_own_device_not_to_the_page(database: TestDatabase) {
    let olive = Card {
        label: "Redmi 8 Global",
        codename: "olive",
        version: "V12.0.1.0.QCNMIXM",
        branch: "Stable",
        filename: "miui_OLIVEGlobal_V12.0.1.0.QCNMIXM_0123456789_10.0.zip",
        ..CARD
    };
    let wood = Card {
        label: "Redmi 8A Dual India",
        codename: "olivewood",
        version: "V12.0.1.0.QCQINXM",
        filename: "miui_OLIVEWOODINGlobal_V12.0.1.0.QCQINXM_1123456789_10.0.zip",
        ..olive.clone()
    };
    given_cards(&database, "olivewood", &[olive, wood]).await;
    let lines = catalogue(database.connection()).await;
    assert!(
        lines[2].starts_with("variant olive_global of olive: GLOBAL"),
        "{lines:?}"
    );
    assert!(
        lines[3].starts_with("variant olivewood_in_global of olivewood: INDIA"),
        "{lines:?}"
    );
}

async fn an_incremental_belongs_to_the_variant_in_its_name(database: TestDatabase) {
    const OWN: &str =
        "https://bigota.d.miui.com/7.12.28/miui-blockota-santoni_global-7.12.21-7.12.28-0123456789-7.1.zip";
    const OTHER: &str =
        "https://bigota.d.miui.com/7.12.28/miui-blockota-gemini_global-7.12.21-7.12.28-1123456789-7.0.zip";
    let card = Card {
        incrementals: &[OWN, OTHER],
        ..CARD
    };
    given_cards(&database, "santoni", &[card]).await;
    let lines = catalogue(database.connection()).await;
    assert_eq!(
        lines[0],
        "INCREMENTAL miui-blockota-santoni_global-7.12.21-7.12.28-0123456789-7.1.zip: santoni_global GLOBAL 7.12.28 WEEKLY from 7.12.21 android 7.1 size - md5 - on - built - urls 1"
    );
    assert_eq!(
        rejections(database.connection()).await,
        [
            "INCREMENTAL_WITHOUT_RELEASE pages/miui/updates/x/1.md miui-blockota-gemini_global-7.12.21-7.12.28-1123456789-7.0.zip"
        ]
    );
}

async fn an_incremental_waits_for_its_release_and_is_then_placed(database: TestDatabase) {
    let card = Card {
        incrementals: &["https://bigota.d.miui.com/7.12.28/miui-ota-gemini_global-7.12.21-7.12.28-1123456789-7.0.zip"],
        ..CARD
    };
    given_cards(&database, "santoni", &[card]).await;
    assert_eq!(rejections(database.connection()).await.len(), 1);
    let gemini = Card {
        label: "Mi 5 Global",
        codename: "gemini",
        method: "Fastboot",
        filename: "gemini_global_images_7.12.28_20171228.0000.00_7.0_global_2123456789.tgz",
        ..CARD
    };
    given_cards(&database, "gemini", &[gemini]).await;
    assert!(rejections(database.connection()).await.is_empty());
    let placed =
        "INCREMENTAL miui-ota-gemini_global-7.12.21-7.12.28-1123456789-7.0.zip: gemini_global GLOBAL 7.12.28 WEEKLY";
    assert!(places(database.connection()).await.iter().any(|line| line == placed));
}

async fn an_incremental_filed_as_recovery_is_an_incremental(database: TestDatabase) {
    let filed = Card {
        filename: "miui-blockota-santoni_global-7.12.21-7.12.28-0123456789-7.1.zip",
        ..CARD
    };
    given_cards(&database, "santoni", &[CARD, filed]).await;
    assert!(places(database.connection()).await[0].starts_with("INCREMENTAL miui-blockota-santoni_global"));
}

async fn copies_that_contradict_become_one_package(database: TestDatabase) {
    let one = Card {
        size: "465 Bytes",
        branch: "Stable Beta",
        md5: "Unknown",
        ..CARD
    };
    let other = Card {
        size: "5.8 GB",
        branch: "Stable",
        md5: "540efd7cf5cbd00c7b53d6fe5ad50553",
        hosts: &["https://cdnorg.d.miui.com", "http://bigota.d.miui.com"],
        ..CARD
    };
    given_cards(&database, "santoni", &[one, other]).await;
    let lines = catalogue(database.connection()).await;
    assert_eq!(
        lines[0],
        "RECOVERY miui_HM4XGlobal_7.12.28_540efd7cf5_7.1.zip: santoni_global GLOBAL 7.12.28 STABLE from - android 7.1 size 5800000000 md5 540efd7cf5cbd00c7b53d6fe5ad50553 on 2017-12-28 built - urls 3"
    );
}

async fn one_file_under_several_labels_is_one_variant_with_several_names(database: TestDatabase) {
    let card = |label| Card {
        label,
        codename: "armani",
        filename: "miui_HM1TD_7.12.28_540efd7cf5_4.4.zip",
        ..CARD
    };
    given_cards(&database, "armani", &[card("Redmi 1 China"), card("Redmi 1 TD China")]).await;
    let lines = catalogue(database.connection()).await;
    assert_eq!(
        lines[1..],
        ["variant armani of armani: CHINA HM1TD [\"Redmi 1\",\"Redmi 1 TD\"]"]
    );
}

async fn the_stronger_witness_of_the_region_wins(database: TestDatabase) {
    let card = |version, filename| Card {
        label: "Xiaomi 14T Pro India",
        codename: "rothko",
        branch: "Stable",
        version,
        filename,
        ..CARD
    };
    let cards = [
        // Suffix before label.
        card(
            "OS2.0.2.0.VNNIDXM",
            "rothko_id_global-ota_full-OS2.0.2.0.VNNIDXM-user-15.0-0123456789.zip",
        ),
        // Suffix before the weak token.
        card(
            "OS2.0.3.0.VNNIDXM",
            "rothko_id_global_images_OS2.0.3.0.VNNIDXM_20240101.0000.00_15.0_global_1123456789.tgz",
        ),
        // Version letters before ROM code and label.
        card(
            "V14.0.2.0.UNNRUXM",
            "miui_ROTHKOGlobal_V14.0.2.0.UNNRUXM_2123456789_14.0.zip",
        ),
        // Token before label, for a weekly without letters and a codename without suffix.
        card("23.1.2", "rothko_images_23.1.2_20230102.0000.00_13.0_cn_3123456789.tgz"),
    ];
    given_cards(&database, "rothko", &cards).await;
    let lines = places(database.connection()).await;
    let regions: Vec<&str> = lines.iter().filter_map(|line| line.split(": ").nth(1)).collect();
    assert_eq!(
        regions,
        [
            "rothko_id_global INDONESIA OS2.0.3.0.VNNIDXM STABLE",
            "rothko CHINA 23.1.2 STABLE",
            "rothko_ru_global RUSSIA V14.0.2.0.UNNRUXM STABLE",
            "rothko_id_global INDONESIA OS2.0.2.0.VNNIDXM STABLE",
        ]
    );
}

async fn names_of_several_products_are_separate(database: TestDatabase) {
    let devices = "alioth:\n- Redmi  K40/POCO F3/Mi 11X China\n- ALIOTH\ndandelion_in_global:\n- Redmi 9A / 9AT / 9i India\n- DANDELIONINGlobal\n";
    given(&database, &[("data/devices.yml", devices)]).await;
    assert_eq!(
        catalogue(database.connection()).await,
        [
            "variant alioth of alioth: CHINA ALIOTH [\"Redmi K40\",\"POCO F3\",\"Mi 11X\"]",
            "variant dandelion_in_global of dandelion: INDIA DANDELIONINGlobal [\"Redmi 9A\",\"Redmi 9AT\",\"Redmi 9i\"]",
        ]
    );
}

async fn error_page_sizes_and_unknown_dates_and_digests_are_unknown(database: TestDatabase) {
    let card = Card {
        size: "465 Bytes",
        date: "None",
        md5: "Unknown",
        ..CARD
    };
    given_cards(&database, "santoni", &[card]).await;
    let lines = catalogue(database.connection()).await;
    assert!(lines[0].contains("size - md5 - on - built -"), "{}", lines[0]);
}

async fn firmware_regions_and_branches_are_the_same_as_everywhere(database: TestDatabase) {
    let vendor = firmware_entry("fw-vendor_grus_9.7.4.zip", "9.7.4", "China");
    let europe = firmware_entry("fw_grus_miui_GRUSEEAGlobal_9.7.4_0123456789_9.0.zip", "9.7.4", "Europe");
    let page = firmware_page(
        "grus",
        "Mi 9 SE EEA",
        "9.7.4",
        "fw_grus_miui_GRUSEEAGlobal_9.7.4_0123456789_9.0.zip",
        "f23f5f4ba4eb4f1ffc9b0f0a0b1c2d3e",
    );
    given(
        &database,
        &[
            ("data/devices/full/grus.yml", &europe),
            ("data/vendor/full/grus.yml", &vendor),
            ("pages/firmware/updates/grus/9.7.4.md", &page),
        ],
    )
    .await;
    let lines = catalogue(database.connection()).await;
    assert_eq!(
        lines[..2],
        [
            "FIRMWARE fw_grus_miui_GRUSEEAGlobal_9.7.4_0123456789_9.0.zip: grus_eea_global EEA 9.7.4 STABLE from - android 9.0 size 80500000 md5 f23f5f4ba4eb4f1ffc9b0f0a0b1c2d3e on 2019-06-28 built - urls 1",
            "VENDOR fw-vendor_grus_9.7.4.zip: grus CHINA 9.7.4 WEEKLY from - android 9.0 size - md5 - on 2019-06-28 built - urls 1",
        ]
    );
}

async fn a_firmware_file_of_another_device_goes_to_that_device(database: TestDatabase) {
    let entry = firmware_entry("fw_lithium_miui_MIPLAY_9.1.17_0123456789_8.1.zip", "9.1.17", "China");
    let devices = "lotus:\n- Mi Play China\n- MIPLAY\nlithium:\n- Mi MIX China\n- MIMIX\n";
    given(
        &database,
        &[("data/devices/full/lithium.yml", &entry), ("data/devices.yml", devices)],
    )
    .await;
    let lines = catalogue(database.connection()).await;
    assert!(lines[0].contains(": lotus CHINA 9.1.17 WEEKLY"), "{}", lines[0]);
    assert!(
        lines.contains(&"variant lotus of lotus: CHINA MIPLAY [\"Mi Play\"]".to_owned()),
        "{lines:?}"
    );
}

async fn an_unknown_region_is_rejected_and_never_guessed(database: TestDatabase) {
    let letters = Card {
        version: "V12.0.1.0.QCNQQXM",
        filename: "miui_HM4XGlobal_V12.0.1.0.QCNQQXM_0123456789_7.1.zip",
        ..CARD
    };
    let suffix = Card {
        version: "OS2.0.2.0.VNNMIXM",
        filename: "santoni_qq_global-ota_full-OS2.0.2.0.VNNMIXM-user-15.0-1123456789.zip",
        ..CARD
    };
    given_cards(&database, "santoni", &[letters, suffix]).await;
    assert_eq!(
        rejections(database.connection()).await,
        [
            "UNKNOWN_REGION pages/miui/updates/x/1.md miui_HM4XGlobal_V12.0.1.0.QCNQQXM_0123456789_7.1.zip",
            "UNKNOWN_REGION pages/miui/updates/x/1.md santoni_qq_global-ota_full-OS2.0.2.0.VNNMIXM-user-15.0-1123456789.zip",
        ]
    );
    assert!(places(database.connection()).await.is_empty());
}

async fn a_board_name_gives_way_to_the_page_s_codename(database: TestDatabase) {
    let card = Card {
        label: "Redmi 1S TD 3G China",
        codename: "HM2014011",
        version: "V9.2.2.0.KHFCNEK",
        branch: "Stable",
        method: "Fastboot",
        filename: "wt93807_images_V9.2.2.0.KHFCNEK_20180102.0000.00_4.4_cn_2f8a5d9838.tgz",
        ..CARD
    };
    given_cards(&database, "HM2014011", &[card]).await;
    assert!(places(database.connection()).await[0].contains(": HM2014011 CHINA"));
}

async fn a_pre_release_weekly_belongs_to_the_plain_variant(database: TestDatabase) {
    let card = |method, filename| Card {
        label: "Redmi K40 China",
        codename: "alioth",
        version: "22.1.19",
        method,
        filename,
        ..CARD
    };
    let cards = [
        card("Recovery", "miui_ALIOTHPRE_22.1.19_0123456789_12.0.zip"),
        card(
            "Fastboot",
            "alioth_pre_images_22.1.19_20220119.0000.00_12.0_cn_1123456789.tgz",
        ),
    ];
    given_cards(&database, "alioth", &cards).await;
    assert_eq!(
        release::Entity::find().all(database.connection()).await.unwrap().len(),
        1
    );
    let lines = catalogue(database.connection()).await;
    assert_eq!(lines[2], "variant alioth of alioth: CHINA ALIOTH [\"Redmi K40\"]");
}

async fn rom_codes_are_read_against_their_base(database: TestDatabase) {
    let card = |codename, label, filename| Card {
        codename,
        label,
        version: "23.1.2",
        filename,
        ..CARD
    };
    let cards = [
        card(
            "chopin",
            "Redmi Note 10 Pro 5G",
            "miui_CHOPINGlobal_23.1.2_0123456789_12.0.zip",
        ),
        card("cupid", "Xiaomi 12", "miui_CUPIDGlobal_23.1.2_1123456789_12.0.zip"),
        card("cupid", "Xiaomi 12", "miui_CUPIDIDGlobal_23.1.2_2123456789_12.0.zip"),
    ];
    given_cards(&database, "x", &cards).await;
    let lines = places(database.connection()).await;
    let regions: Vec<&str> = lines.iter().filter_map(|line| line.split(": ").nth(1)).collect();
    assert_eq!(
        regions,
        [
            "chopin_global GLOBAL 23.1.2 WEEKLY",
            "cupid_global GLOBAL 23.1.2 WEEKLY",
            "cupid_id_global INDONESIA 23.1.2 WEEKLY",
        ]
    );
}

async fn base_codenames_keep_everything_but_the_region(database: TestDatabase) {
    let card = |label, version, filename| Card {
        label,
        codename: "sweet",
        branch: "Stable",
        version,
        filename,
        ..CARD
    };
    let cards = [
        card(
            "Redmi Note 10 Pro Global",
            "V13.0.3.0.SKFMIXM",
            "miui_SWEETGlobal_V13.0.3.0.SKFMIXM_0123456789_12.0.zip",
        ),
        card(
            "Redmi Note 12 Pro 4G Global",
            "V14.0.2.0.THGMIXM",
            "miui_SWEETK6AGlobal_V14.0.2.0.THGMIXM_1123456789_13.0.zip",
        ),
        card(
            "Redmi Note 12 Pro 4G Global",
            "V14.0.2.0.THGMIXM",
            "sweet_k6a_global_images_V14.0.2.0.THGMIXM_20230801.0000.00_13.0_global_2123456789.tgz",
        ),
    ];
    given_cards(&database, "sweet", &cards).await;
    let lines = catalogue(database.connection()).await;
    assert_eq!(
        lines[3..],
        [
            "variant sweet_global of sweet: GLOBAL SWEETGlobal [\"Redmi Note 10 Pro\"]",
            "variant sweet_k6a_global of sweet_k6a: GLOBAL SWEETK6AGlobal [\"Redmi Note 12 Pro 4G\"]",
        ]
    );
    assert!(lines[2].contains("SWEETK6AGlobal") && lines[2].contains(": sweet_k6a_global "));
}

async fn a_dev_version_is_public_beta_whatever_its_label(database: TestDatabase) {
    let card = Card {
        version: "V13.1.22.10.11.DEV",
        branch: "Stable",
        filename: "miui_HM4X_V13.1.22.10.11.DEV_0123456789_12.0.zip",
        ..CARD
    };
    given_cards(&database, "santoni", &[card]).await;
    assert!(places(database.connection()).await[0].ends_with("V13.1.22.10.11.DEV PUBLIC_BETA"));
}

async fn a_real_changelog_wins_over_boilerplate_and_names_the_patch(database: TestDatabase) {
    let text = "[System]\nUpdated the security patch to August 2024. Security is better &amp; safer.";
    let cards = [
        Card {
            changelog: text,
            ..CARD
        },
        Card {
            method: "Fastboot",
            filename: "santoni_global_images_7.12.28_20171228.0000.00_7.1_global_8f4f84af64.tgz",
            ..CARD
        },
        Card {
            version: "7.12.29",
            filename: "miui_HM4XGlobal_7.12.29_640efd7cf5_7.1.zip",
            ..CARD
        },
    ];
    given_cards(&database, "santoni", &cards).await;
    let db = database.connection();
    let releases = release::Entity::find().all(db).await.unwrap();
    let told: Vec<_> = releases
        .iter()
        .map(|release| {
            (
                release.version.as_str(),
                release.changelog_id.is_some(),
                release.security_patch.map(|day| day.to_string()),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("7.12.28", true, Some("2024-08-01".to_owned())),
            ("7.12.29", false, None)
        ]
    );
    let texts = entity::changelog::Entity::find().all(db).await.unwrap();
    assert_eq!(
        texts[0].text,
        "[System]\nUpdated the security patch to August 2024. Security is better & safer."
    );
}

async fn names_of_no_known_form_are_still_packages(database: TestDatabase) {
    let card = Card {
        filename: "HM4X_special_build.zip",
        ..CARD
    };
    given_cards(&database, "santoni", &[card]).await;
    assert_eq!(
        places(database.connection()).await,
        ["RECOVERY HM4X_special_build.zip: santoni_global GLOBAL 7.12.28 WEEKLY"]
    );
}

async fn the_tracker_s_files_are_taken_in(database: TestDatabase) {
    let latest = "- android: '13.0'\n  branch: Stable\n  codename: beryllium_global\n  date: 2025-11-02\n  \
                  link: https://bigota.d.miui.com/V12.0.3.0.QEJMIXM/miui_POCOF1Global_V12.0.3.0.QEJMIXM_0123456789_10.0.zip\n  \
                  md5: 0123456789abcdef0123456789abcdef\n  method: Recovery\n  name: POCO F1 Global\n  size: 1.8 GB\n  version: V12.0.3.0.QEJMIXM\n";
    given(&database, &[("data/latest.yml", latest)]).await;
    assert_eq!(
        catalogue(database.connection()).await,
        [
            "RECOVERY miui_POCOF1Global_V12.0.3.0.QEJMIXM_0123456789_10.0.zip: beryllium_global GLOBAL V12.0.3.0.QEJMIXM STABLE from - android 10.0 size 1800000000 md5 0123456789abcdef0123456789abcdef on 2025-11-02 built - urls 1",
            "variant beryllium_global of beryllium: GLOBAL POCOF1Global [\"POCO F1\"]",
        ]
    );
}
