"""The OpenStreetMap key that a bare value belongs to.

Both schemas write of a place only the value of the tag they made it from: ``cafe`` for ``amenity=cafe``. The keys are those that the schemas
name for their layers (OpenMapTiles: layers/poi, landuse and landcover/mapping.yaml; Protomaps: tiles/…/layers/Pois.java and Landuse.java);
where two keys have a value, the one that is meant far more often stands here.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["AREA_KEYS", "POINT_KEYS"]


def _keys(table: Mapping[str, str]) -> dict[str, str]:
    """Turn key: values around; the first key of a value stays."""
    found: dict[str, str] = {}
    for key, values in table.items():
        for value in values.split():
            found.setdefault(value, key)
    return found


POINT_KEYS: Mapping[str, str] = _keys(
    {
        "amenity": """animal_boarding animal_shelter arts_centre atm baby_hatch bank bar bbq bench bicycle_parking bicycle_rental
            bicycle_repair_station biergarten boat_rental boat_storage bureau_de_change bus_station cafe car_rental car_sharing car_wash casino
            charging_station childcare cinema clinic clock college community_centre conference_centre courthouse crematorium customs dentist
            doctors drinking_water driving_school embassy events_venue fast_food ferry_terminal fire_station food_court fountain fuel gambling
            grave_yard harbourmaster hospital hunting_stand ice_cream internet_cafe karaoke karaoke_box kindergarten language_school library
            lounger marketplace money_transfer monastery motorcycle_parking music_school nightclub nursing_home parcel_locker parking
            parking_entrance payment_terminal pharmacy place_of_worship planetarium police polling_station post_box post_office prison pub
            public_bath public_bookcase public_building ranger_station recycling restaurant sanitary_dump_station school shelter shower
            social_centre social_facility studio taxi telephone theatre toilets townhall university vehicle_inspection vending_machine
            veterinary waste_basket waste_disposal water_point watering_place""",
        "leisure": """adult_gaming_centre amusement_arcade beach_resort bowling_alley common dance dog_park escape_game firepit fishing
            fitness_centre fitness_station garden golf_course hackerspace ice_rink marina miniature_golf nature_reserve outdoor_seating park
            picnic_table pitch playground sauna slipway sports_centre sports_hall stadium swimming_area swimming_pool tanning_salon track
            water_park""",
        "tourism": """alpine_hut apartment aquarium artwork attraction bed_and_breakfast camp_site caravan_site chalet gallery guest_house hanami
            hostel hotel information motel museum picnic_site theme_park trail_riding_station viewpoint wilderness_hut zoo""",
        "historic": """archaeological_site battlefield boundary_stone castle city_gate district fort landmark manor memorial monument ruins
            tomb wayside_cross wayside_shrine wreck""",
        "railway": "halt station subway_entrance train_station_entrance tram_stop",
        "highway": "bus_stop",
        "aeroway": "aerodrome gate helipad terminal",
        "waterway": "dock",
        "barrier": "bollard border_control cycle_barrier gate lift_gate sally_port stile toll_booth",
        "emergency": "defibrillator emergency_phone life_ring phone",
        "building": "dormitory",
        "natural": "beach cave_entrance peak spring tree volcano",
        "landuse": "allotments basin brownfield cemetery forest military quarry recreation_ground reservoir village_green winter_sports",
        "boundary": "national_park protected_area",
        "military": "airfield naval_base",
        "attraction": "amusement_ride animal carousel maze roller_coaster summer_toboggan water_slide",
        "shop": """accessories alcohol antiques art atv bag bakery beauty bed beverages bicycle bookmaker books boutique butcher camera car car_parts
            car_repair carpet charity chemist chocolate clothes coffee computer confectionery convenience copyshop cosmetics dairy deli
            delicatessen department_store doityourself dry_cleaning electronics erotic fabric farm fashion florist frozen_food furniture
            garden_centre general gift greengrocer grocery hairdresser hardware hearing_aids hifi houseware interior_decoration jewelry kiosk lamps
            laundry locksmith lottery mall massage medical_supply mobile_phone motorcycle music musical_instrument newsagent nutrition_supplements
            optician outdoor paint pastry perfume perfumery pet photo scuba_diving seafood second_hand ship_chandler shoes snowmobile sports
            stationery supermarket tailor tattoo tea ticket tobacco toys trade travel_agency tyres variety_store video video_games watches weapons
            wholesale wine""",
        "office": """accountant advertising_agency architect association bail_bond_agent company construction_company consulting cooperative courier
            coworking diplomatic educational_institution employment_agency energy_supplier engineer estate_agent financial financial_advisor
            forestry foundation geodesist government graphic_design guide harbour_master health_insurance insurance interior_design it lawyer
            logistics marketing moving_company newspaper ngo notary physician political_party private_investigator property_management publisher
            quango religion research security surveyor tax_advisor telecommunication therapist translator travel_agent tutoring union
            water_utility web_design wedding_planner""",
        "craft": """blacksmith boatbuilder brewery carpenter caterer dressmaker electrician electronics_repair glaziery handicraft hvac
            metal_construction painter photographer plumber pottery roofer sawmill shoemaker stonemason upholsterer watchmaker winery""",
        "sport": """american_football archery athletics australian_football badminton baseball basketball beachvolleyball billiards bmx boules bowls
            boxing canadian_football canoe chess climbing climbing_adventure cricket cricket_nets croquet curling cycling disc_golf diving
            dog_racing equestrian fatsal field_hockey free_flying gaelic_games golf gymnastics handball hockey horse_racing horseshoes ice_hockey
            ice_stock judo karting korfball long_jump model_aerodrome motocross motor multi netball orienteering paddle_tennis paintball
            paragliding pelota racquet rc_car rowing rugby rugby_league rugby_union running sailing shooting shooting_range skateboard skating
            skiing soccer surfing swimming table_soccer table_tennis team_handball tennis toboggan volleyball water_ski yoga""",
    }
)
"""Of points of interest."""

AREA_KEYS: Mapping[str, str] = _keys(
    {
        "landuse": """allotments basin brownfield cemetery commercial construction farm farmland farmyard forest garages grass greenfield industrial
            landfill meadow military orchard plant_nursery quarry railway recreation_ground residential retail salt_pond vineyard village_green""",
        "leisure": """common dog_park garden golf_course marina nature_reserve park pitch playground stadium swimming_pool track""",
        "natural": """bare_rock beach bog dune fell glacier grassland heath mud rock sand scree scrub shingle tundra wetland wood""",
        "amenity": """bus_station cafe college grave_yard hospital kindergarten library parking post_office school townhall university""",
        "tourism": "attraction camp_site hotel theme_park zoo",
        "shop": "grocery supermarket",
        "aeroway": "aerodrome apron helipad runway taxiway",
        "man_made": "bridge pier",
        "highway": "footway pedestrian",
        "railway": "platform",
        "waterway": "dam",
        "boundary": "aboriginal_lands national_park protected_area",
        "place": "neighbourhood quarter suburb",
        "wetland": "mangrove marsh reedbed saltern saltmarsh swamp tidalflat wet_meadow",
    }
)
"""Of land use and land cover."""
