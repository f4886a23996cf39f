// Source: GoonCitizen/star-citizen-live, data/ships/catalog.json, commit be749d8 of 2026-07-29 (MIT, see
// docs/licences.md); crew, cargo, prices and lengths: facts of game data 3.24, read on 2024-12-10.
// The names belong to the game's maker: this is an unofficial fan project.

// One line each: class, name, maker, type, size, crew, cargo in SCU, price in aUEC, length in metres; a hyphen where
// unknown. Sorted by the name.

extension Vehicle {
  static let catalogue = #"""
    ORIG_100i|100i|Origin Jumpworks|Exploration|Small|1|2|1146600|19
    ORIG_125a|125a|Origin Jumpworks|Combat|Small|1|2|1587600|19
    ORIG_135c|135c|Origin Jumpworks|Transporter|Small|1|6|1149580|19
    ORIG_300i|300i|Origin Jumpworks|Exploration|Small|1|8|1375920|27
    ORIG_315p|315p|Origin Jumpworks|Exploration|Small|1|12|1490580|27
    ORIG_325a|325a|Origin Jumpworks|Combat|Small|1|4|1852200|27
    ORIG_350r|350r|Origin Jumpworks|Competition|Small|1|4|3748500|27
    ORIG_400i|400i|Origin Jumpworks|Exploration|Large|3|42|11466000|56
    ORIG_600i|600i|Origin Jumpworks|Exploration|Large|1|44|27231750|91.5
    ORIG_600i_BIS2951|600i 2951 BIS|Origin Jumpworks|Exploration|Large|-|-|-|-
    ORIG_600i_Executive_Edition|600i Executive Edition|Origin Jumpworks|-|-|-|-|-|-
    ORIG_600i_Touring|600i Touring|Origin Jumpworks|Exploration|Large|1|20|24938550|91.5
    ORIG_85X|85X Limited|Origin Jumpworks|Exploration|Small|1|0|573300|13
    ORIG_890Jump|890 Jump|Origin Jumpworks|Exploration|Capital|1|388|65356200|210
    CRUS_Spirit_A1|A1 Spirit|Crusader Industries|Combat|Medium|2|64|4961250|47.5
    CRUS_Starlifter_A2|A2 Hercules Starlifter|Crusader Industries|Combat|Large|8|216|44296876|94
    CRUS_Starlifter_A2_Collector_Military|A2 Hercules Starlifter Wikelo War Special|Crusader Industries|-|-|-|-|-|-
    RSI_Apollo_Medivac|Apollo Medivac|Roberts Space Industries|Support|Large|-|-|-|-
    RSI_Apollo_Triage|Apollo Triage|Roberts Space Industries|Support|Large|-|-|-|-
    RSI_Apollo_Triage_Collector_Stealth|Apollo Triage Wikelo Sneak Special|Roberts Space Industries|-|-|-|-|-|-
    CRUS_Starfighter_Inferno|Ares Star Fighter Inferno|Crusader Industries|Combat|Medium|1|0|4725000|27
    CRUS_Starfighter_Inferno_Collector_Military|Ares Star Fighter Inferno Wikelo War Special|Crusader Industries|-|-|-|-|-|-
    CRUS_Starfighter_Ion|Ares Star Fighter Ion|Crusader Industries|Combat|Medium|1|0|4725000|27
    CRUS_Starfighter_Ion_Collector_Stealth|Ares Star Fighter Ion Wikelo Sneak Special|Crusader Industries|-|-|-|-|-|-
    ARGO_ATLS_GEO_IKTI|Argo ATLS GEO IKTI|Banu Souli|-|-|-|-|-|-
    ARGO_ATLS_IKTI|Argo ATLS IKTI|Banu Souli|-|-|-|-|-|-
    ARGO_ATLS_IKTI_ARGOS|Argo ATLS IKTI Rad|Banu Souli|-|-|-|-|-|-
    ANVL_Arrow|Arrow|Anvil Aerospace|Combat|Small|1|0|1984500|16
    ANVL_Asgard|Asgard|Anvil Aerospace|Combat|Large|-|-|-|-
    ANVL_Asgard_Collector_Military|Asgard Wikelo War Special|Anvil Aerospace|-|-|-|-|-|-
    ARGO_ATLS|ATLS|Argo Astronautics|Ground|Medium|-|-|-|-
    ARGO_ATLS_GEO_Collector_Grad03|ATLS Cool Metal Color|Argo Astronautics|Ground|Medium|-|-|-|-
    ARGO_ATLS_GEO|ATLS GEO|Argo Astronautics|Ground|Medium|-|-|-|-
    ARGO_ATLS_GEO_Collector_Grad02|ATLS Orange Line|Argo Astronautics|-|-|-|-|-|-
    ARGO_ATLS_GEO_Collector_Grad01|ATLS Snowland Color|Argo Astronautics|Ground|Medium|-|-|-|-
    RSI_Aurora_GS_CL|Aurora Mk I CL|Roberts Space Industries|Transporter|Small|-|-|-|-
    RSI_Aurora_GS_ES|Aurora Mk I ES|Roberts Space Industries|Multi-Role|Small|-|-|-|-
    RSI_Aurora_GS_LN|Aurora Mk I LN|Roberts Space Industries|Combat|Small|-|-|-|-
    RSI_Aurora_GS_LX|Aurora Mk I LX|Roberts Space Industries|Exploration|Small|-|-|-|-
    RSI_Aurora_GS_MR|Aurora Mk I MR|Roberts Space Industries|Combat|Small|-|-|-|-
    RSI_Aurora_GS_SE|Aurora Mk I SE|Roberts Space Industries|Combat|Small|-|-|-|-
    RSI_Aurora_Mk2|Aurora Mk II|Roberts Space Industries|Multi-Role|Small|-|-|-|-
    AEGS_Avenger_Stalker|Avenger Stalker|Aegis Dynamics|Combat|Small|1|0|1587600|22.5
    AEGS_Avenger_Titan|Avenger Titan|Aegis Dynamics|Transporter|Small|1|8|1358280|22.5
    AEGS_Avenger_Titan_Renegade|Avenger Titan Renegade|Aegis Dynamics|Transporter|Small|1|8|1852200|22.5
    AEGS_Avenger_Warlock|Avenger Warlock|Aegis Dynamics|Combat|Small|1|0|2249100|22.5
    ANVL_Ballista|Ballista|Anvil Aerospace|Combat|Vehicle|2|0|1481760|17
    ANVL_Ballista_Dunestalker|Ballista Dunestalker|Anvil Aerospace|Combat|Vehicle|-|-|-|-
    ANVL_Ballista_Snowblind|Ballista Snowblind|Anvil Aerospace|Combat|Vehicle|-|-|-|-
    GLSN_Basher|Basher|Grey's Market|-|-|-|-|-|-
    VNCL_Blade|Blade|Esperia|Combat|Small|1|0|7796250|16.5
    DRAK_Buccaneer|Buccaneer|Drake Interplanetary|Combat|Small|1|0|1663200|15
    CRUS_Spirit_C1|C1 Spirit|Crusader Industries|Transporter|Medium|2|64|3118500|47.5
    CRUS_Spirit_C1_Civilian|C1 Spirit Wikelo Special|Crusader Industries|-|-|-|-|-|-
    CRUS_Starlifter_C2|C2 Hercules Starlifter|Crusader Industries|Transporter|Large|2|696|18900000|94
    ANVL_C8_Pisces|C8 Pisces|Anvil Aerospace|Exploration|Small|1|4|745290|13
    ANVL_C8R_Pisces|C8R Pisces Rescue|Anvil Aerospace|Support|Small|1|0|555660|13
    ANVL_C8X_Pisces_Expedition|C8X Pisces Expedition|Anvil Aerospace|Exploration|Small|1|4|515970|13
    ANVL_Carrack|Carrack|Anvil Aerospace|Exploration|Large|6|456|34398000|126.5
    ANVL_Carrack_BIS2950|Carrack|Anvil Aerospace|Exploration|Large|-|-|-|-
    ANVL_Carrack_Expedition|Carrack Expedition|Anvil Aerospace|Exploration|Large|-|-|-|-
    DRAK_Caterpillar|Caterpillar|Drake Interplanetary|Transporter|Large|1|576|12474000|111.5
    DRAK_Caterpillar_Pirate|Caterpillar Pirate|Drake Interplanetary|Transport|Large|-|-|-|-
    ANVL_Centurion|Centurion|Anvil Aerospace|Combat|Vehicle|2|0|1164240|17
    DRAK_Clipper|Clipper|Drake Interplanetary|Exploration|Small|-|-|-|-
    DRAK_Clipper_Collector_Military|Clipper Wikelo War Special|Drake Interplanetary|-|-|-|-|-|-
    DRAK_Command_Module|Command Module|Drake Interplanetary|-|-|-|-|-|-
    RSI_Constellation_Andromeda|Constellation Andromeda|Roberts Space Industries|Multi-Role|Large|1|96|10160640|61
    RSI_Constellation_Aquila|Constellation Aquila|Roberts Space Industries|Exploration|Large|1|96|12186720|61
    RSI_Constellation_Phoenix|Constellation Phoenix|Roberts Space Industries|Exploration|Large|1|80|14817600|61
    RSI_Constellation_Phoenix_Emerald|Constellation Phoenix Emerald|Roberts Space Industries|Exploration|Large|-|-|-|-
    RSI_Constellation_Taurus|Constellation Taurus|Roberts Space Industries|Transporter|Large|1|174|8043840|69
    RSI_Constellation_Taurus_Military|Constellation Taurus Wikelo War Special|Roberts Space Industries|-|-|-|-|-|-
    DRAK_Corsair|Corsair|Drake Interplanetary|Exploration|Large|4|72|6552000|55
    DRAK_Corsair_Exec_Military|Corsair PYAM Exec|Drake Interplanetary|-|-|-|-|-|-
    DRAK_Corsair_Exec_StealthIndustrial|Corsair PYAM Exec|Drake Interplanetary|-|-|-|-|-|-
    ARGO_CSV_Cargo|CSV-SM|Argo Astronautics|Transporter|Medium|1|4|-|5.44
    DRAK_Cutlass_Black|Cutlass Black|Drake Interplanetary|Multi-Role|Medium|3|46|2116800|36
    DRAK_Cutlass_Black_BIS2950|Cutlass Black|Drake Interplanetary|Multi-Role|Medium|-|-|-|-
    DRAK_Cutlass_Black_Exec_Stealth|Cutlass Black PYAM Exec|Drake Interplanetary|-|-|-|-|-|-
    DRAK_Cutlass_Black_Exec_Military|Cutlass Black PYAM Exec|Drake Interplanetary|-|-|-|-|-|-
    DRAK_Cutlass_Blue|Cutlass Blue|Drake Interplanetary|Combat|Medium|3|12|3704400|36
    DRAK_Cutlass_Blue_BIS2950|Cutlass Blue|Drake Interplanetary|Combat|Medium|-|-|-|-
    DRAK_Cutlass_Red_BIS2950|Cutlass Red|Drake Interplanetary|Support|Medium|-|-|-|-
    DRAK_Cutlass_Red|Cutlass Red|Drake Interplanetary|Support|Medium|2|12|2857680|36
    DRAK_Cutlass_Steel|Cutlass Steel|Drake Interplanetary|Combat|Medium|3|0|3997350|36
    DRAK_Cutter|Cutter|Drake Interplanetary|Exploration|Small|1|4|625040|20
    DRAK_Cutter_Rambler|Cutter Rambler|Drake Interplanetary|Exploration|Small|1|2|740880|20
    DRAK_Cutter_Scout|Cutter Scout|Drake Interplanetary|Exploration|Small|1|2|705600|20
    TMBL_Cyclone|Cyclone|Tumbril Land Systems|Combat|Medium|1|0|110170|6
    TMBL_Cyclone_AA|Cyclone AA|Tumbril Land Systems|Combat|Medium|1|0|160247|6
    TMBL_Cyclone_MT|Cyclone MT|Tumbril Land Systems|Combat|Medium|1|0|150232|6
    TMBL_Cyclone_RC|Cyclone RC|Tumbril Land Systems|Competition|Medium|1|0|130201|6
    TMBL_Cyclone_RN|Cyclone RN|Tumbril Land Systems|Exploration|Medium|1|0|130201|6
    TMBL_Cyclone_TR|Cyclone TR|Tumbril Land Systems|Combat|Medium|1|0|130201|6
    BANU_Defender|Defender|Banu Souli|Combat|Small|1|0|6237000|25.5
    DRAK_Dragonfly|Dragonfly|Drake Interplanetary|Competition|Small|1|0|342720|6
    DRAK_Dragonfly_Pink|Dragonfly Star Kitten|Drake Interplanetary|-|-|-|-|-|-
    DRAK_Dragonfly_Yellow|Dragonfly Yellowjacket|Drake Interplanetary|Competition|Small|1|0|342720|6
    AEGS_Eclipse_BIS2950|Eclipse|Aegis Dynamics|Combat|Small|-|-|-|-
    AEGS_Eclipse|Eclipse|Aegis Dynamics|Combat|Small|1|0|7938000|20.5
    ANVL_Hornet_F7_Mk2_Collector_Mod|F7 Hornet Mk Wikelo|Anvil Aerospace|-|-|-|-|-|-
    ANVL_Hornet_F7A_Mk1|F7A Hornet Mk I|Anvil Aerospace|Combat|Small|1|0|-|22.5
    ANVL_Hornet_F7A_Mk2|F7A Hornet Mk II|Anvil Aerospace|Combat|Small|1|0|-|22.5
    ANVL_Hornet_F7C|F7C Hornet Mk I|Anvil Aerospace|Combat|Small|1|0|2910600|22.5
    ANVL_Hornet_F7C_Mk2|F7C Hornet Mk II|Anvil Aerospace|Combat|Small|1|2|4895100|22.5
    ANVL_Hornet_F7C_Wildfire|F7C Hornet Wildfire Mk I|Anvil Aerospace|Combat|Small|1|0|4630500|22.5
    ANVL_Hornet_F7CM_Heartseeker|F7C-M Hornet Heartseeker Mk I|Anvil Aerospace|Combat|Small|-|-|-|-
    ANVL_Hornet_F7CM_Mk2_Heartseeker|F7C-M Hornet Heartseeker Mk II|Anvil Aerospace|Combat|Small|-|-|-|-
    ANVL_Hornet_F7CM|F7C-M Super Hornet Mk I|Anvil Aerospace|Combat|Small|1|0|4762800|25.5
    ANVL_Hornet_F7CM_Mk2|F7C-M Super Hornet Mk II|Anvil Aerospace|Combat|Small|-|-|-|-
    ANVL_Hornet_F7CR|F7C-R Hornet Tracker Mk I|Anvil Aerospace|Exploration|Small|1|0|3210480|22.5
    ANVL_Hornet_F7CR_Mk2|F7C-R Hornet Tracker Mk II|Anvil Aerospace|Combat|Small|-|-|-|-
    ANVL_Hornet_F7CS|F7C-S Hornet Ghost Mk I|Anvil Aerospace|Combat|Small|1|0|3307500|22.5
    ANVL_Hornet_F7CS_Mk2|F7C-S Hornet Ghost Mk II|Anvil Aerospace|Combat|Small|-|-|-|-
    ANVL_Lightning_F8|F8A Lightning|Anvil Aerospace|Combat|Small|-|-|-|-
    ANVL_Lightning_F8C|F8C Lightning|Anvil Aerospace|Combat|Small|1|0|-|26
    ANVL_Lightning_F8C_Plat|F8C Lightning|Anvil Aerospace|Combat|Small|-|-|-|-
    ANVL_Lightning_F8C_Exec|F8C Lightning Executive Edition|Anvil Aerospace|Combat|Small|-|-|-|-
    ANVL_Lightning_F8C_Exec_Stealth|F8C Lightning PYAM Exec|Anvil Aerospace|-|-|-|-|-|-
    ANVL_Lightning_F8C_Exec_Military|F8C Lightning PYAM Exec|Anvil Aerospace|-|-|-|-|-|-
    ANVL_Lightning_F8C_Collector_Stealth|F8C Lightning Wikelo Sneak Special|Anvil Aerospace|-|-|-|-|-|-
    ANVL_Lightning_F8C_Collector_Military|F8C Lightning Wikelo War Special|Anvil Aerospace|-|-|-|-|-|-
    MISC_Fury|Fury|Mirai|Combat|Snub|1|0|727650|8
    MISC_Fury_LX|Fury LX|Mirai|Competition|Snub|1|0|824670|7
    MISC_Fury_Miru|Fury MX|Mirai|Combat|Snub|1|0|727650|7
    ANVL_Gladiator|Gladiator|Anvil Aerospace|Combat|Small|1|0|4365900|22.5
    AEGS_Gladius|Gladius|Aegis Dynamics|Combat|Small|1|0|2381400|20
    AEGS_Gladius_PIR|Gladius Pirate|Aegis Dynamics|Combat|Small|-|-|-|-
    AEGS_Gladius_Valiant|Gladius Valiant|Aegis Dynamics|Combat|Small|1|0|2910600|20
    VNCL_Glaive|Glaive|Esperia|Combat|Medium|1|0|-|31
    DRAK_Golem|Golem|Drake Interplanetary|Industrial|Small|-|-|-|-
    DRAK_Golem_BTALA|Golem Alliance|Drake Interplanetary|-|-|-|-|-|-
    DRAK_Golem_OX|Golem OX|Drake Interplanetary|Industrial|Small|-|-|-|-
    DRAK_Golem_Collector_Indust|Golem Wikelo Work Special|Drake Interplanetary|-|-|-|-|-|-
    MRAI_Guardian|Guardian|Mirai|Combat|Small|-|-|-|-
    MRAI_Guardian_MX|Guardian MX|Mirai|Combat|Small|-|-|-|-
    MRAI_Guardian_MX_Collector_Military|Guardian MX Wikelo War Special|Mirai|-|-|-|-|-|-
    MRAI_Guardian_QI|Guardian QI|Mirai|Combat|Small|-|-|-|-
    MRAI_Guardian_QI_Collector_Indust|Guardian QI Wikelo Special|Mirai|-|-|-|-|-|-
    MRAI_Guardian_Military|Guardian Wikelo War Special|Mirai|-|-|-|-|-|-
    AEGS_Hammerhead_GS|Hammerhead|Aegis Dynamics|Combat|Large|-|-|-|-
    AEGS_Hammerhead|Hammerhead|Aegis Dynamics|Combat|Large|2|40|47958752|120
    AEGS_Hammerhead_Showdown|Hammerhead 2949 Best In Show Edition|Aegis Dynamics|Combat|Large|-|-|-|-
    ANVL_Hawk|Hawk|Anvil Aerospace|Combat|Small|1|0|2646000|17
    DRAK_Herald|Herald|Drake Interplanetary|Transporter|Small|1|0|1285200|23.5
    RSI_Hermes|Hermes|Roberts Space Industries|Transporter|Large|-|-|-|-
    ANVL_Hornet_F7A_Mk2_Exec_Military|Hornet F7A Mk II PYAM Exec|Anvil Aerospace|-|-|-|-|-|-
    ANVL_Hornet_F7A_Mk2_Exec_Stealth|Hornet F7A Mk II PYAM Exec|Anvil Aerospace|-|-|-|-|-|-
    CNOU_HoverQuad|HoverQuad|Consolidated Outland|Exploration|Small|1|0|56700|4.5
    ANVL_Hurricane|Hurricane|Anvil Aerospace|Combat|Small|1|0|5556600|22
    AEGS_Idris_M|Idris-M|Aegis Dynamics|Combat|Capital|-|-|-|-
    AEGS_Idris_P_TSG|Idris-P|Aegis Dynamics|Combat|Capital|-|-|-|-
    AEGS_Idris_P|Idris-P|Aegis Dynamics|Combat|Capital|-|-|-|-
    AEGS_Idris_P_FW_25|Idris-P|Aegis Dynamics|Combat|Capital|-|-|-|-
    AEGS_Idris_P_Collector_Military|Idris-P Wikelo War Special|Aegis Dynamics|-|-|-|-|-|-
    CRUS_Intrepid|Intrepid|Crusader Industries|Starter|Small|-|-|-|-
    CRUS_Intrepid_Collector_Indust|Intrepid Wikelo Work Special|Crusader Industries|-|-|-|-|-|-
    DRAK_Ironclad|Ironclad|Drake Interplanetary|Transporter|Large|-|-|-|-
    DRAK_Ironclad_Assault|Ironclad Assault|Drake Interplanetary|Combat|Large|-|-|-|-
    AEGS_Javelin|Javelin|Aegis Dynamics|Destroyer|Capital|-|-|-|-
    XIAN_Scout|Khartu-al|Aopoa|Combat|Medium|1|0|7229250|15
    KRIG_L21_Wolf|L-21 Wolf|Kruger Intergalactic|Combat|Small|-|-|-|-
    KRIG_L21_Wolf_Collector_Stealth|L-21 Wolf Wikelo Sneak Special|Kruger Intergalactic|-|-|-|-|-|-
    KRIG_L21_Wolf_Collector_Military|L-21 Wolf Wikelo War Special|Kruger Intergalactic|-|-|-|-|-|-
    KRIG_L22_AlphaWolf|L-22 Alpha Wolf|Kruger Intergalactic|Combat|Small|-|-|-|-
    KRIG_L22_AlphaWolf_Collector_Military|L-22 Alpha Wolf Wikelo War Special|Kruger Intergalactic|-|-|-|-|-|-
    RSI_Lynx|Lynx|Roberts Space Industries|Transporter|Vehicle|2|0|136080|7.75
    CRUS_Starlifter_M2|M2 Hercules Starlifter|Crusader Industries|Transporter|Large|3|522|29484000|94
    ORIG_m50|M50 Interceptor|Origin Jumpworks|Competition|Small|1|0|1499400|11.5
    ORIG_m80|M80|Origin Jumpworks|Combat|Small|-|-|-|-
    RSI_Mantis|Mantis|Roberts Space Industries|Combat|Small|1|0|3402000|30
    VNCL_Mauler|Mauler Destroyer|Vanduul Clans|-|-|-|-|-|-
    GRIN_MDC|MDC|Greycat Industrial|Ground|Vehicle|-|-|-|-
    CRUS_Star_Runner|Mercury Star Runner|Crusader Industries|Transporter|Large|1|114|12285000|56
    RSI_Meteor|Meteor|Roberts Space Industries|Combat|Small|-|-|-|-
    RSI_Meteor_Collector_Military|Meteor PYAM Exec|Roberts Space Industries|-|-|-|-|-|-
    RSI_Meteor_Collector_Stealth|Meteor Wikelo Sneak Special|Roberts Space Industries|-|-|-|-|-|-
    MISC_Fortune|MISC Fortune|Musashi Industrial and Starflight Concern|Industrial|Small|-|-|-|-
    MISC_Fortune_Collector_Industrial|MISC Fortune Wikelo Special|Musashi Industrial and Starflight Concern|-|-|-|-|-|-
    MISC_Freelancer|MISC Freelancer|Musashi Industrial and Starflight Concern|Transporter|Medium|1|66|3118500|38
    MISC_Freelancer_DUR|MISC Freelancer DUR|Musashi Industrial and Starflight Concern|Exploration|Medium|1|36|3316950|38
    MISC_Freelancer_MAX|MISC Freelancer MAX|Musashi Industrial and Starflight Concern|Transporter|Medium|1|120|4252500|38
    MISC_Freelancer_MIS|MISC Freelancer MIS|Musashi Industrial and Starflight Concern|Combat|Medium|1|36|4961250|38
    MISC_Hull_A|MISC Hull A|Musashi Industrial and Starflight Concern|Transporter|Small|1|64|1701000|17
    MISC_Hull_B|MISC Hull B|Musashi Industrial and Starflight Concern|Transporter|Large|-|-|-|-
    MISC_Hull_C|MISC Hull C|Musashi Industrial and Starflight Concern|Transporter|Large|1|4608|16537500|90
    MISC_Prospector|MISC Prospector|Musashi Industrial and Starflight Concern|Industrial|Small|1|0|2929500|26.5
    MISC_Prospector_BTALA|MISC Prospector Alliance|Musashi Industrial and Starflight Concern|-|-|-|-|-|-
    MISC_Prospector_Collector_Indust|MISC Prospector Wikelo Work Special|Musashi Industrial and Starflight Concern|-|-|-|-|-|-
    MISC_Reliant|MISC Reliant Kore|Musashi Industrial and Starflight Concern|Transporter|Medium|1|6|1719900|14.5
    MISC_Reliant_Mako|MISC Reliant Mako|Musashi Industrial and Starflight Concern|Support|Medium|1|0|2513700|14.5
    MISC_Reliant_Sen|MISC Reliant Sen|Musashi Industrial and Starflight Concern|Industrial|Medium|1|0|2249100|14.5
    MISC_Reliant_Tana|MISC Reliant Tana|Musashi Industrial and Starflight Concern|Combat|Medium|1|1|1984500|14.5
    MISC_Starfarer|MISC Starfarer|Musashi Industrial and Starflight Concern|Support|Large|1|291|13230000|101
    MISC_Starfarer_Gemini|MISC Starfarer Gemini|Musashi Industrial and Starflight Concern|Support|Large|2|291|14994000|101
    MISC_Starlancer_Max|MISC Starlancer MAX|Musashi Industrial and Starflight Concern|Transport|Medium|-|-|-|-
    MISC_Starlancer_Max_Collector_Indust|MISC Starlancer MAX Wikelo Work Special|Musashi Industrial and Starflight Concern|-|-|-|-|-|-
    MISC_Starlancer_TAC|MISC Starlancer TAC|Musashi Industrial and Starflight Concern|Combat|Large|-|-|-|-
    MISC_Starlancer_TAC_Collector_Military|MISC Starlancer TAC Wikelo War Special|Musashi Industrial and Starflight Concern|-|-|-|-|-|-
    MISC_Starlite|MISC Starlite|Musashi Industrial and Starflight Concern|Support|Small|-|-|-|-
    ARGO_MOLE|MOLE|Argo Astronautics|Industrial|Medium|5|0|8930250|45
    ARGO_MOLE_BTALA|MOLE Alliance|Argo Astronautics|-|-|-|-|-|-
    ARGO_MOTH|MOTH|Argo Astronautics|Industrial|Medium|-|-|-|-
    ARGO_MPUV|MPUV Cargo|Argo Astronautics|Transporter|Small|1|2|330750|9.5
    ARGO_MPUV_Transport|MPUV Personnel|Argo Astronautics|Transporter|Small|1|0|378000|9.25
    ARGO_MPUV_1T|MPUV Tractor|Argo Astronautics|Transporter|Small|1|16|415800|9
    GRIN_MTC|MTC|Greycat Industrial|Ground|Medium|-|-|-|-
    DRAK_Mule|Mule|Drake Interplanetary|Transporter|Medium|1|1|68040|4.2
    CNOU_Mustang_Alpha|Mustang Alpha|Consolidated Outland|Multi-Role|Small|1|4|655200|21.5
    CNOU_Mustang_Beta|Mustang Beta|Consolidated Outland|Exploration|Small|1|0|642600|21.5
    CNOU_Mustang_Alpha_CitizenCon2018|Mustang CitizenCon 2948 Edition|Consolidated Outland|Multi-Role|Small|-|-|-|-
    CNOU_Mustang_Delta|Mustang Delta|Consolidated Outland|Combat|Small|1|0|1228500|21.5
    CNOU_Mustang_Gamma|Mustang Gamma|Consolidated Outland|Competition|Small|1|0|1178100|21.5
    CNOU_Mustang_Omega|Mustang Omega|Consolidated Outland|Competition|Small|1|0|-|21.5
    CNOU_Nomad|Nomad|Consolidated Outland|Transporter|Small|1|24|1512000|27
    TMBL_Nova|Nova|Tumbril Land Systems|Combat|Vehicle|1|0|961482|16
    XIAN_Nox|Nox|Aopoa|Competition|Small|1|0|722925|5.5
    XIAN_Nox_Kue|Nox Kue|Aopoa|Competition|Small|-|-|-|-
    XIAN_Nox_Collector_Mod|Nox Wikelo Special|Aopoa|-|-|-|-|-|-
    KRIG_P52_Merlin|P-52 Merlin|Kruger Intergalactic|Combat|Small|1|0|283500|12
    KRIG_P72_Archimedes|P-72 Archimedes|Kruger Intergalactic|Competition|Small|1|0|449820|12
    KRIG_P72_Archimedes_Emerald|P-72 Archimedes Emerald|Kruger Intergalactic|Competition|Small|-|-|-|-
    ANVL_Paladin|Paladin|Anvil Aerospace|Combat|Medium|-|-|-|-
    RSI_Perseus|Perseus|Roberts Space Industries|Combat|Large|-|-|-|-
    DRAK_Pitbull|Pitbull|Drake Interplanetary|Combat|Small|-|-|-|-
    RSI_Polaris_Collector_Military|Polaris|Roberts Space Industries|Combat|Capital|-|-|-|-
    RSI_Polaris|Polaris|Roberts Space Industries|Combat|Capital|-|-|-|-
    ESPR_Prowler|Prowler|Esperia|Combat|Medium|1|0|18711000|34
    ESPR_Prowler_Utility|Prowler Utility|Esperia|Transporter|Medium|-|-|-|-
    ESPR_Prowler_Utility_Collector_Indust|Prowler Utility Wikelo Work Special|Esperia|-|-|-|-|-|-
    GRIN_PTV|PTV|Greycat Industrial|Transporter|Medium|1|0|29170|3
    MRAI_Pulse|Pulse|Mirai|Combat|Small|1|0|185220|3.15
    MRAI_Pulse_LX|Pulse LX|Mirai|Combat|Small|1|0|-|3.15
    ARGO_RAFT|RAFT|Argo Astronautics|Transporter|Medium|2|96|3543750|39.5
    ARGO_RAFT_Collector_Indust|RAFT Wikelo Work Special|Argo Astronautics|-|-|-|-|-|-
    GAMA_Railen|Railen|Gatac Manufacture|Transporter|Large|-|-|-|-
    MISC_Razor|Razor|Mirai|Competition|Small|1|0|1863540|11.5
    MISC_Razor_EX|Razor EX|Mirai|Combat|Small|1|0|1757700|11.5
    MISC_Razor_LX|Razor LX|Mirai|Competition|Small|1|0|1927800|11.5
    AEGS_Reclaimer|Reclaimer|Aegis Dynamics|Industrial|Capital|1|420|31752000|155
    AEGS_Reclaimer_Showdown|Reclaimer 2949 Best In Show Edition|Aegis Dynamics|Industrial|Large|-|-|-|-
    AEGS_Redeemer|Redeemer|Aegis Dynamics|Combat|Large|4|2|17199000|51
    AEGS_Retaliator|Retaliator|Aegis Dynamics|Combat|Large|1|0|7938000|71
    GRIN_ROC|ROC|Greycat Industrial|Industrial|Medium|1|0.8|103950|6
    GRIN_ROC_DS|ROC-DS|Greycat Industrial|Industrial|Medium|2|3.5|141750|6.6
    AEGS_Sabre|Sabre|Aegis Dynamics|Combat|Small|1|0|4498200|24
    AEGS_Sabre_Comet|Sabre Comet|Aegis Dynamics|Combat|Small|1|0|4895100|24
    AEGS_Sabre_Firebird|Sabre Firebird|Aegis Dynamics|Combat|Small|1|0|5874120|26
    AEGS_Sabre_Firebird_Collector_Milt|Sabre Firebird Wikelo War Special|Aegis Dynamics|-|-|-|-|-|-
    AEGS_Sabre_Peregrine|Sabre Peregrine|Aegis Dynamics|Competition|Small|1|0|-|26
    AEGS_Sabre_Peregrine_Collector_Competition|Sabre Peregrine Wikelo Speedy Special|Aegis Dynamics|-|-|-|-|-|-
    AEGS_Sabre_Raven|Sabre Raven|Aegis Dynamics|Combat|Small|1|0|-|24
    RSI_Salvation|Salvation|Roberts Space Industries|Industrial|Small|-|-|-|-
    XNAA_SanTokYai|San'tok.yāi|Aopoa|Combat|Small|1|0|9355500|22
    RSI_Scorpius|Scorpius|Roberts Space Industries|Combat|Small|2|0|5443200|24
    RSI_Scorpius_Antares|Scorpius Antares|Roberts Space Industries|Combat|Small|2|0|5528517|24
    RSI_Scorpius_Stealth|Scorpius Wikelo Sneak Special|Roberts Space Industries|-|-|-|-|-|-
    GLSN_Shiv|Shiv|Grey's Market|Combat|Medium|-|-|-|-
    ANVL_Spartan|Spartan|Anvil Aerospace|Combat|Vehicle|1|0|846720|17
    ARGO_SRV|SRV|Argo Astronautics|Support|Medium|1|12|3969000|28.5
    VNCL_Stinger|Stinger|Esperia|Combat|Medium|-|-|-|-
    TMBL_Storm|Storm|Tumbril Land Systems|Combat|Vehicle|1|0|453600|10.5
    TMBL_Storm_AA|Storm AA|Tumbril Land Systems|Combat|Vehicle|1|0|476280|10.5
    GRIN_STV|STV|Greycat Industrial|Transporter|Medium|2|0|75600|4.2
    GAMA_Syulen|Syulen|Gatac Manufacture|Multi-Role|Medium|1|6|2778300|25
    GAMA_Syulen_Exec_Stealth|Syulen PYAM Exec|Gatac Manufacture|-|-|-|-|-|-
    GAMA_Syulen_Exec_Military|Syulen PYAM Exec|Gatac Manufacture|-|-|-|-|-|-
    ESPR_Talon|Talon|Esperia|Combat|Small|1|0|3260250|26
    ESPR_Talon_Shrike|Talon Shrike|Esperia|Combat|Small|1|0|3260250|26
    ANVL_Terrapin|Terrapin|Anvil Aerospace|Support|Small|1|0|5433120|19.5
    ANVL_Terrapin_Medic|Terrapin Medic|Anvil Aerospace|Support|Small|-|-|-|-
    ANVL_Terrapin_Medic_Collector_Medic|Terrapin Medic Wikelo Savior Special|Anvil Aerospace|-|-|-|-|-|-
    AEGS_Tiburon|Tiburon|Aegis Dynamics|Combat|Large|-|-|-|-
    GAMA_Tyilui|Tyilui|Gatac Manufacture|Transporter|Large|-|-|-|-
    RSI_Ursa_Rover|Ursa|Roberts Space Industries|Exploration|Vehicle|2|0|120186|7.75
    RSI_Ursa_Rover_Emerald|Ursa Fortuna|Roberts Space Industries|Exploration|Vehicle|-|-|-|-
    RSI_Ursa_Medivac|Ursa Medivac|Roberts Space Industries|Support|Vehicle|2|0|137200|7.75
    RSI_Ursa_Medivac_Stealth|Ursa Medivac Wikelo Special|Roberts Space Industries|-|-|-|-|-|-
    GRIN_UTV|UTV|Greycat Industrial|Transporter|Medium|-|-|-|-
    ANVL_Valkyrie|Valkyrie|Anvil Aerospace|Combat|Large|1|30|19845000|48
    ANVL_Valkyrie_BIS2950|Valkyrie|Anvil Aerospace|Combat|Large|-|-|-|-
    VNCL_Scythe|Vanduul Scythe|Esperia|Combat|Medium|1|0|-|31
    AEGS_Vanguard_Harbinger|Vanguard Harbinger|Aegis Dynamics|Combat|Medium|1|0|11510100|48
    AEGS_Vanguard_Hoplite|Vanguard Hoplite|Aegis Dynamics|Combat|Medium|1|0|9327150|48
    AEGS_Vanguard_Sentinel|Vanguard Sentinel|Aegis Dynamics|Combat|Medium|1|0|10914750|48
    AEGS_Vanguard|Vanguard Warden|Aegis Dynamics|Combat|Medium|1|0|10319400|48
    DRAK_Vulture|Vulture|Drake Interplanetary|Industrial|Small|1|12|2646000|33
    ORIG_X1|X1|Origin Jumpworks|Exploration|Small|1|0|-|5.5
    ORIG_X1_Force|X1 Force|Origin Jumpworks|Combat|Small|1|0|-|5.5
    ORIG_X1_Velocity|X1 Velocity|Origin Jumpworks|Competition|Small|1|0|-|5.5
    RSI_Zeus_CL_Collector_Indust|Zeus Mk II CL|Roberts Space Industries|Transporter|Medium|-|-|-|-
    RSI_Zeus_CL|Zeus Mk II CL|Roberts Space Industries|Transporter|Medium|3|128|-|45.7
    RSI_Zeus_ES|Zeus Mk II ES|Roberts Space Industries|Exploration|Medium|3|32|-|45.7
    RSI_Zeus_ES_Collector_Indust|Zeus Mk II ES Wikelo Work Special|Roberts Space Industries|-|-|-|-|-|-
    """#
}
